package config

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"
)

// parsePrefixes reads networks and single addresses, parted by commas or
// white space.
func parsePrefixes(s string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, word := range strings.FieldsFunc(s, partsList) {
		p, err := parsePrefix(word)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func partsList(r rune) bool { return r == ',' || unicode.IsSpace(r) }

func parsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil || p.Addr().Is4In6():
		return p, Problem{
			What:   quote(s) + " is neither a network nor an address",
			Remedy: "write networks such as 10.0.0.0/8 or fd00::/8, or addresses such as 10.0.0.7",
		}
	case p != p.Masked():
		// 10.0.0.7/8 trusts sixteen million hosts where one may be meant.
		return p, Problem{
			What:   quote(s) + " has bits set after its length",
			Remedy: fmt.Sprintf("write %s for the network or %s for the one host", p.Masked(), p.Addr()),
		}
	}
	return p, nil
}

func formatPrefixes(list []netip.Prefix) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = p.String()
	}
	return strings.Join(words, " ")
}
