package server

// WriteMembers writes an object of these members by hand.
func WriteMembers(given map[string]any) (string, error) {
	o, err := newObject(2000).members(given)
	return string(append(o, '}')), err
}
