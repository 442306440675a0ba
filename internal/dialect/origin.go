package dialect

import (
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Proxies are the networks of the proxies before the server. What these say of a
// request in X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host is believed;
// from others the headers mean nothing.
type Proxies []netip.Prefix

// An Origin says where a request came from and went to, as its client knows it.
type Origin struct {
	Client    netip.Addr // the zero Addr where a trusted proxy names one that can't be read
	Secure    bool       // the client used TLS
	Host      string     // that the request arrived with, with its port
	Forwarded string     // the host that the client named to a trusted proxy, "" where none says
}

// URL returns the scheme and host under which the client has called.
func (o Origin) URL() string {
	scheme, host := "http", o.Host
	if o.Secure {
		scheme = "https"
	}
	if o.Forwarded != "" {
		host = o.Forwarded
	}
	return scheme + "://" + host
}

// OriginOf returns the origin of a request as the proxies of its Scope tell it.
func OriginOf(r *http.Request) Origin {
	if s := scopeOf(r.Context()); s != nil {
		return s.Proxies.Origin(r)
	}
	return Proxies(nil).Origin(r)
}

// Origin returns the origin of r. A proxy appends to what it was given, so only
// the last value of a header is its own.
func (p Proxies) Origin(r *http.Request) Origin {
	o := Origin{Host: r.Host, Secure: r.TLS != nil}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		o.Client = peer.Addr().Unmap()
	}
	if !p.trusts(o.Client) {
		return o
	}
	if host := last(r.Header["X-Forwarded-Host"]); hostPattern.MatchString(host) {
		o.Forwarded = host
	}
	switch proto := strings.ToLower(last(r.Header["X-Forwarded-Proto"])); proto {
	case "http", "https":
		o.Secure = proto == "https"
	}
	o.Client = p.clientOf(r.Header["X-Forwarded-For"], o.Client)
	return o
}

var hostPattern = regexp.MustCompile(`^[A-Za-z0-9._-]+(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?$`)

// clientOf returns the last address that is no trusted proxy's, or the first. Of
// a hop that can't be read nobody knows whose it is: the address is then none, so
// that no policy about addresses lets the caller in as the proxy.
func (p Proxies) clientOf(forwardedFor []string, peer netip.Addr) netip.Addr {
	hops := strings.Split(strings.Join(forwardedFor, ","), ",")
	for _, hop := range slices.Backward(hops) {
		hop = strings.TrimSpace(hop)
		if hop == "" && len(hops) == 1 {
			return peer // the proxy says nothing
		}
		a, err := parseHop(hop)
		if err != nil {
			return netip.Addr{}
		}
		if peer = a.Unmap(); !p.trusts(peer) {
			return peer
		}
	}
	return peer
}

// parseHop reads an address, which some proxies write with its port.
func parseHop(text string) (netip.Addr, error) {
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr(), nil
	}
	return netip.ParseAddr(strings.Trim(text, "[]"))
}

func (p Proxies) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a) })
}

func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	v := values[len(values)-1]
	return strings.TrimSpace(v[strings.LastIndexByte(v, ',')+1:])
}
