package server

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientAddress is where a request comes from, found out once.
func (f *frame) clientAddress(r *http.Request) string {
	rec := recordOf(r.Context())
	if rec.from == "" {
		rec.from = f.findAddress(r)
	}
	return rec.from
}

// findAddress is the peer, or what trusted proxies say of it. X-Forwarded-For is read
// from the right, since everything left of the first untrusted address may be made up.
func (f *frame) findAddress(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	addr := peer.Addr().Unmap()
	if len(f.proxies) > 0 {
		addr = f.forwarded(addr, r.Header.Values("X-Forwarded-For"))
	}
	return addr.WithZone("").String() // a zone may be any text
}

// proxyWords tells the operator of a proxy that is not believed, if the request seems to have come through one.
func (f *frame) proxyWords(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || f.trusts(peer.Addr().Unmap()) {
		return ""
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"} {
		if r.Header.Get(name) != "" {
			return "; " + name + " is sent by " + peer.Addr().Unmap().WithZone("").String() + ", which is not in trusted_proxies, so it is not read"
		}
	}
	return ""
}

// forwarded is the last of the hops to addr that no proxy of ours vouches for.
func (f *frame) forwarded(addr netip.Addr, headers []string) netip.Addr {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !f.trusts(addr) {
			break
		}
		next, err := parseHop(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		addr = next.Unmap()
	}
	return addr
}

// parseHop reads an address, with the port that some proxies add to it.
func parseHop(hop string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(hop); err == nil {
		return withPort.Addr(), nil
	}
	return netip.ParseAddr(hop)
}

func (f *frame) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(f.proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}
