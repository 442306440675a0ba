package dialect

import (
	"net/url"
	"strings"
)

const (
	redacted = "***"

	// maxLoggedURL bounds what one request can write into a log, in bytes.
	maxLoggedURL = 2048
)

// Redact returns the path and query of u for a log: as they were sent, but with
// *** for whatever may be a secret, and cut after 2048 bytes. Secret are the
// values of parameters whose name or value speaks of a token, a secret, a
// signature or the like, and what follows the name of a dialect in the path of a
// webhook, save for the app IDs of Meta.
func Redact(u *url.URL) string {
	s := redactPath(u)
	if u.RawQuery != "" {
		// What is never shown need not be looked at.
		s += "?" + redactQuery(u.RawQuery[:min(len(u.RawQuery), maxLoggedURL)])
	}
	if len(s) >= maxLoggedURL {
		return s[:maxLoggedURL] + "..."
	}
	return s
}

// redactPath looks at the decoded path, as the dialects do: an escaped slash
// separates too.
func redactPath(u *url.URL) string {
	if u.Opaque != "" {
		return redacted
	}
	parts := strings.Split(u.Path, "/")
	for i := 0; i < len(parts); i++ {
		if !strings.EqualFold(parts[i], "webhooks") {
			continue
		}
		name := nextPart(parts, i+1)
		rest := nextPart(parts, name+1)
		if rest < len(parts) && !strings.EqualFold(parts[name], "meta") {
			shown := url.URL{Path: strings.Join(parts[:rest], "/")}
			return shown.EscapedPath() + "/" + redacted
		}
	}
	return u.EscapedPath()
}

// nextPart returns the index of the first part from i on that is not empty.
func nextPart(parts []string, i int) int {
	for i < len(parts) && parts[i] == "" {
		i++
	}
	return i
}

// redactQuery works on the text, so that nothing a decoder would drop or refuse
// slips through. Whatever follows a secret up to the next & goes with it.
func redactQuery(query string) string {
	var b strings.Builder
	for i, part := range strings.Split(query, "&") {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(redactParameter(part))
	}
	return b.String()
}

// redactParameter hides a secret parameter. Some clients separate by semicolons,
// so what follows one is taken for a name as well.
func redactParameter(part string) string {
	for at := 0; ; {
		one, _, more := strings.Cut(part[at:], ";")
		name, value, _ := strings.Cut(one, "=")
		if secretName(name) || secretValue(value) {
			return part[:at] + plainName(name) + "=" + redacted
		}
		if !more {
			return part
		}
		at += len(one) + 1
	}
}

// plainName returns the name of a parameter, unless it may hold more than that.
func plainName(name string) string {
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			strings.IndexByte("._-[]", c) >= 0:
		default:
			return redacted
		}
	}
	return name
}

// secretName reports whether a parameter of that name, escaped as sent, is
// secret. A name that can't be read is.
func secretName(escaped string) bool {
	name, ok := unescape(escaped)
	if !ok {
		return true
	}
	switch name = fold(name); name {
	case "sign", "key":
		return true
	case "signaturemethod", "signaturenonce", "signaturetype", "signatureversion":
		return false
	}
	return strings.Contains(name, "signature") || hasSecretWord(name)
}

// secretValue reports whether a value may hold secret parameters of its own, as
// a URL or a batch of calls does.
func secretValue(escaped string) bool {
	value, _ := unescape(escaped)
	value = fold(value)
	return strings.Contains(value, "signature") || hasSecretWord(value)
}

// unescape takes off three layers of escapes, as far as they can be read: a URL
// in a URL has two. ok tells whether the outermost could be.
func unescape(s string) (_ string, ok bool) {
	for i := range 3 {
		if strings.IndexByte(s, '%') < 0 {
			break
		}
		inner, err := url.QueryUnescape(s)
		if err != nil {
			return s, i > 0
		}
		s = inner
	}
	return s, true
}

var secretWords = [...]string{
	"token", "secret", "proof", "password", "passwd", "apikey", "authorization", "bearer",
}

func hasSecretWord(folded string) bool {
	for _, w := range secretWords {
		if strings.Contains(folded, w) {
			return true
		}
	}
	return false
}

// fold makes ACCESS_TOKEN, access-token and accessToken alike.
func fold(s string) string {
	var short [128]byte // spares an allocation
	b := short[:0]
	for i := range len(s) {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z':
			b = append(b, c+'a'-'A')
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			b = append(b, c)
		}
	}
	return string(b)
}
