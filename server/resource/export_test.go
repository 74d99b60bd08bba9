package resource

// ParseObject and ParseForm read the fields of these names.
func ParseObject(body []byte, names ...string) (map[string]string, error) {
	return parseObject(body, names)
}

func ParseForm(body []byte, names ...string) (map[string]string, error) {
	return parseForm(body, names)
}
