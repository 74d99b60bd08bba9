package server

// ReturnTo is where a server below prefix sends a person who asked to go to given.
func ReturnTo(prefix, given string) string {
	s := &Server{prefix: prefix}
	return s.returnTo(given)
}
