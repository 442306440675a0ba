package dialect_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"waybill/internal/dialect"
)

func TestOrigins(t *testing.T) {
	prefixes := func(texts ...string) (ps dialect.Proxies) {
		for _, p := range texts {
			ps = append(ps, netip.MustParsePrefix(p))
		}
		return ps
	}
	tests := []struct {
		name    string
		proxies dialect.Proxies
		peer    string
		tls     bool
		headers http.Header
		want    dialect.Origin
	}{
		{"a client", nil, "192.0.2.9:1", false, nil, dialect.Origin{Client: netip.MustParseAddr("192.0.2.9"), Secure: false, Host: "here:80"}},
		{"a client with TLS", nil, "[2001:db8::1]:1", true, nil, dialect.Origin{Client: netip.MustParseAddr("2001:db8::1"), Secure: true, Host: "here:80"}},
		{"a client that lies", prefixes("10.0.0.0/8"), "192.0.2.9:1", false, forwarded("there", "https", "10.1.1.1"), dialect.Origin{Client: netip.MustParseAddr("192.0.2.9"), Secure: false, Host: "here:80"}},
		{"a proxy", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, forwarded("there:8443", "https", "192.0.2.9"), dialect.Origin{Client: netip.MustParseAddr("192.0.2.9"), Secure: true, Host: "here:80", Forwarded: "there:8443"}},
		{"a proxy reached over TLS by a client without", prefixes("10.0.0.0/8"), "10.0.0.1:1", true, forwarded("there", "http", "192.0.2.9"), dialect.Origin{Client: netip.MustParseAddr("192.0.2.9"), Secure: false, Host: "here:80", Forwarded: "there"}},
		{"a proxy that appends to a lie", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, forwarded("evil, there", "https, http", "203.0.113.7, 192.0.2.9"), dialect.Origin{Client: netip.MustParseAddr("192.0.2.9"), Secure: false, Host: "here:80", Forwarded: "there"}},
		{"a chain of proxies", prefixes("10.0.0.0/8", "2001:db8::/32"), "[::ffff:10.0.0.1]:1", false, forwarded("there", "https", "192.0.2.9,2001:db8::5, 10.2.2.2"), dialect.Origin{Client: netip.MustParseAddr("192.0.2.9"), Secure: true, Host: "here:80", Forwarded: "there"}},
		{"nothing but proxies", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, forwarded("", "", "10.3.3.3, 10.2.2.2"), dialect.Origin{Client: netip.MustParseAddr("10.3.3.3"), Secure: false, Host: "here:80"}},
		{"a proxy that says nothing", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, nil, dialect.Origin{Client: netip.MustParseAddr("10.0.0.1"), Secure: false, Host: "here:80"}},
		{"an address that is none", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, forwarded("", "", "192.0.2.9, unknown"), dialect.Origin{Client: netip.Addr{}, Secure: false, Host: "here:80"}},
		{"an address with its port", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, forwarded("", "", "192.0.2.9:4711"), dialect.Origin{Client: netip.MustParseAddr("192.0.2.9"), Secure: false, Host: "here:80"}},
		{"an IPv6 address with its port", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, forwarded("", "", "[2001:db8::1]:443"), dialect.Origin{Client: netip.MustParseAddr("2001:db8::1"), Secure: false, Host: "here:80"}},
		{"an IPv6 address in brackets", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, forwarded("", "", "[2001:db8::1]"), dialect.Origin{Client: netip.MustParseAddr("2001:db8::1"), Secure: false, Host: "here:80"}},
		{"no network", nil, "@", false, nil, dialect.Origin{Host: "here:80"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "http://here:80/", nil)
			r.RemoteAddr, r.Header = tt.peer, tt.headers
			if tt.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if got := tt.proxies.Origin(r); got != tt.want {
				t.Errorf("origin is %+v, want %+v", got, tt.want)
			}
		})
	}
}

func forwarded(host, proto, client string) http.Header {
	return http.Header{"X-Forwarded-Host": {host}, "X-Forwarded-Proto": {proto}, "X-Forwarded-For": {client}}
}
