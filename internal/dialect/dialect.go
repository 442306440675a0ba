// Package dialect holds what the vendors' dialects share: reading bodies within
// bounds, writing JSON, what belongs to one request, limits of calls, and URLs
// that are fit for a log. It knows no vendor's operations.
package dialect

import "net/http"

// A Dialect answers the calls and webhooks of one vendor, in the vendor's own
// words. All its methods can be called concurrently.
type Dialect interface {
	// Name returns the one word under which the dialect takes webhooks: it
	// gets /webhooks/{Name()} and all below it, unasked. It never changes.
	Name() string

	// Match reports whether r, which is no webhook, is a call of this
	// dialect. It must not read the body; where the head of r does not tell,
	// it can Peek.
	Match(r *http.Request) bool

	// The path of a request is as it was sent: slashes may be doubled.
	http.Handler
}

// A Guide is a Dialect that tells a stranger where its calls are.
type Guide interface {
	// Places returns what to call, each as a method and the shape of a URL.
	Places() []string
}
