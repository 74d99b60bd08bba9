package server

import (
	"slices"

	"github.com/grantd/grantd/server/authreq"
	"github.com/grantd/grantd/server/reason"
)

// audiences are all whom access tokens of this server may be for. The first is
// that of tokens for which nothing else was asked.
func (s *Server) audiences() []string { return append([]string{s.Audience}, s.Audiences...) }

// askedAudience is what of open is asked for by the parameters resource
// (RFC 8707 §2), in the order of open, and nil if nothing is. unknown is the reason
// for one that is not in open.
func askedAudience(resources, open []string, unknown reason.Word) (asked []string, err error) {
	for _, r := range resources {
		if !authreq.ValidResource(r) {
			return nil, refusal(reason.ResourceMalformed, invalidTarget, "resource is not an absolute URI without a fragment")
		}
		if !slices.Contains(open, r) {
			return nil, refusal(unknown, invalidTarget, "resource is not one that this server has tokens for, or not one that was granted")
		}
	}
	for _, name := range open {
		if slices.Contains(resources, name) {
			asked = append(asked, name)
		}
	}
	return asked, nil
}

// orOwn is an audience as a token has it.
func (s *Server) orOwn(audience []string) []string {
	if len(audience) == 0 {
		return []string{s.Audience}
	}
	return audience
}

// narrowedAudience is what of an authorization's audience an access token is for.
// RFC 8707 §2.2: a token request may ask for less than was granted.
func (s *Server) narrowedAudience(resources, granted []string) ([]string, error) {
	// What was taken out of the settings since is none of ours any more.
	gone := func(name string) bool { return !slices.Contains(s.audiences(), name) }
	open := slices.DeleteFunc(slices.Clone(s.orOwn(granted)), gone)
	switch {
	case len(open) == 0:
		return nil, refusal(reason.AudienceGone, invalidTarget, "this server has no tokens any more for what was granted; start anew")
	case len(resources) == 0:
		return open, nil
	}
	return askedAudience(resources, open, reason.ResourceNotGranted)
}
