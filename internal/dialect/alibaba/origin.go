package alibaba

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// An edge is what stands between clients and this server.
type edge struct {
	// proxies are the peers whose X-Forwarded headers are believed.
	proxies []netip.Prefix
}

// An origin is where a call came from and went to, as the client knows it.
type origin struct {
	host      string // with the port, as the client named it here
	forwarded string // the same as the client named it to a trusted proxy, if there is one
	secure    bool   // the client used TLS
	client    netip.Addr
}

// origin returns the origin of r. A forwarding proxy appends to what it was
// given, so only the last value is its own.
func (e edge) origin(r *http.Request) origin {
	o := origin{host: r.Host, secure: r.TLS != nil}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		o.client = peer.Addr().Unmap()
	}
	if !e.trusts(o.client) {
		return o
	}
	o.forwarded = last(r.Header["X-Forwarded-Host"])
	if proto := last(r.Header["X-Forwarded-Proto"]); proto != "" {
		o.secure = strings.EqualFold(proto, "https")
	}
	o.client = e.clientOf(r.Header["X-Forwarded-For"], o.client)
	return o
}

// clientOf returns the last address that is no trusted proxy's, or the first. Of
// a hop that can't be read nobody knows whose it is: the address is then none, so
// that no policy about addresses lets the caller in as the proxy.
func (e edge) clientOf(forwardedFor []string, peer netip.Addr) netip.Addr {
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
		if peer = a.Unmap(); !e.trusts(peer) {
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

func (e edge) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(e.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	v := values[len(values)-1]
	return strings.TrimSpace(v[strings.LastIndexByte(v, ',')+1:])
}
