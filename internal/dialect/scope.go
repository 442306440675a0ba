package dialect

import (
	"context"
	"log/slog"
	"slices"
	"sync"
)

// A Scope is the context of one request, with its ID and what its line in the
// access log shall say besides the usual.
type Scope struct {
	context.Context

	// Budget is what the request's body takes its bytes from. It is set
	// before the request is served; nil is no bound.
	Budget *Budget

	// Proxies are those whose word about the origin of the request is
	// believed. They are set before it is served.
	Proxies Proxies

	id    string
	share share

	mu    sync.Mutex
	attrs []slog.Attr
	room  [6]slog.Attr // of attrs, which is enough for most
}

type scopeKey struct{}

// NewScope returns a context made from ctx for the request with the given ID.
func NewScope(ctx context.Context, id string) *Scope {
	return &Scope{Context: ctx, id: id}
}

// Value returns the value of key, as every context does.
func (s *Scope) Value(key any) any {
	if _, ok := key.(scopeKey); ok {
		return s
	}
	return s.Context.Value(key)
}

// ID returns the ID of the request.
func (s *Scope) ID() string { return s.id }

// Release gives back what the request holds of the budget. It is called once,
// when nothing made of the body is in use any more.
func (s *Scope) Release() {
	if s.Budget != nil {
		s.Budget.end(&s.share)
	}
}

// SetLogAttr adds attributes to the request's line in the access log. Of two
// with the same key the later stands.
func (s *Scope) SetLogAttr(attrs ...slog.Attr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attrs == nil {
		s.attrs = s.room[:0]
	}
	for _, a := range attrs {
		i := slices.IndexFunc(s.attrs, func(b slog.Attr) bool { return a.Key == b.Key })
		if i < 0 {
			s.attrs = append(s.attrs, a)
			continue
		}
		s.attrs[i] = a
	}
}

// AppendAttrs appends the attributes that were set to some.
func (s *Scope) AppendAttrs(to []slog.Attr) []slog.Attr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(to, s.attrs...)
}

func scopeOf(ctx context.Context) *Scope {
	s, _ := ctx.Value(scopeKey{}).(*Scope)
	return s
}

// RequestID returns the ID of the request that ctx belongs to, or "" outside of
// one.
func RequestID(ctx context.Context) string {
	if s := scopeOf(ctx); s != nil {
		return s.id
	}
	return ""
}

// SetLogAttr adds attributes to the one line that the access log has for the
// request of ctx, and does nothing outside of one. They must not be secret. The
// attribute "operation" also labels the request's metrics, so it must be one of
// a fixed set of names, never text of the caller.
func SetLogAttr(ctx context.Context, attrs ...slog.Attr) {
	if s := scopeOf(ctx); s != nil {
		s.SetLogAttr(attrs...)
	}
}

// operationOf returns the name of the operation that the access log has for the
// request of ctx, as far as it is known yet.
func operationOf(ctx context.Context) string {
	s := scopeOf(ctx)
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.attrs {
		if a.Key == operationKey {
			return a.Value.String()
		}
	}
	return ""
}

// operationKey is the attribute that names the operation.
const operationKey = "operation"
