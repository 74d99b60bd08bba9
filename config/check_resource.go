package config

import "net/url"

// CheckResource is Check for "grantd resource", which serves the resource router
// alone, at the URL given: no key of the server's may be among its settings.
func (c Config) CheckResource(given string) error {
	var p Problems
	if c.Tokens.SigningAlg == "HS256" {
		p.add("tokens.signing_alg", "the key of HS256 is published nowhere", "have the server sign with ES256, or serve its built-in resource router")
		c.Tokens.SigningAlg, c.Tokens.SharedSecret = "ES256", "" // whatever is wrong with the secret, it is of no use here
	}
	c.ignorePages()
	p = append(p, c.checkServing("the server that issues the tokens")...)
	c.checkNoMaster(&p)
	c.checkResourceURL(&p, given)
	return p.err()
}

// ignorePages takes out what concerns people in browsers and tokens for others, of which there are none
// here: in a file that is shared with the server, the logo is a path of that machine.
func (c *Config) ignorePages() {
	c.Sessions, c.Brand, c.Tokens.Audiences = Default().Sessions, Brand{}, nil
}

// checkNoMaster refuses the path, too, though nothing here reads it: a process that can name the key of
// the server can most likely read it.
func (c Config) checkNoMaster(p *Problems) {
	for _, s := range []struct{ key, value string }{{"master_key", c.MasterKey}, {"master_key_file", c.MasterKeyFile}} {
		if s.value != "" {
			p.add(s.key, "the resource router signs nothing, so it must not know the master key",
				"take it out of the settings of this process, also of a file that it shares with the server")
		}
	}
}

// ResourceURL is where apps reach the resource router that runs on its own: the URL
// given, else tokens.audience if that is one, else the issuer.
func (c Config) ResourceURL(given string) string {
	switch {
	case given != "":
		return given
	case isHTTP(c.Tokens.Audience):
		return c.Tokens.Audience
	}
	return c.Issuer
}

func (c Config) checkResourceURL(p *Problems, given string) {
	switch {
	case given != "":
		checkURL(p, "--url", given)
	case isHTTP(c.Tokens.Audience):
		var faults Problems
		checkURL(&faults, "tokens.audience", c.Tokens.Audience)
		for _, f := range faults { // as an audience it may be right
			p.add(f.Where, "as the URL of the resource router: "+f.What, "name the URL with --url")
		}
	}
}

func isHTTP(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
