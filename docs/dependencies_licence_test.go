package docs_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// allowed are the licences that dependencies may have, by what their texts say and no other's do. They are in the order of licenceOf.
var allowed = []struct {
	name string
	text *regexp.Regexp
}{
	{"MIT", regexp.MustCompile(`Permission is hereby granted, free of charge, to any person obtaining a copy`)},
	{"ISC", regexp.MustCompile(`Permission to use, copy, modify, and(/or)? distribute this software for any purpose`)},
	{"BSD-3-Clause", regexp.MustCompile(`Redistribution and use in source and binary forms.*Neither the name`)},
	{"BSD-2-Clause", regexp.MustCompile(`Redistribution and use in source and binary forms`)},
	{"Apache-2.0", regexp.MustCompile(`Apache License,? Version 2\.0`)},
	{"MPL-2.0", regexp.MustCompile(`Mozilla Public License,? [Vv]ersion 2\.0`)},
}

// licenceOf reads a module's licence file, and gives its SPDX expression.
func licenceOf(t *testing.T, m goModule) string {
	t.Helper()
	if m.Dir == "" {
		t.Fatalf("%s is not in the module cache: go mod download", m.Path)
	}
	files, err := filepath.Glob(filepath.Join(m.Dir, "LICEN[SC]E*"))
	if err != nil || len(files) == 0 {
		t.Errorf("%s has no licence file", m.Path)
		return ""
	}
	slices.Sort(files) // LICENSE is the first; what is behind it is of parts
	name := nameLicence(read(t, files[0]))
	if name == "" {
		t.Errorf("%s: its licence is none of those that are allowed; see %s, or do without the module", m.Path, files[0])
	}
	return name
}

func nameLicence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if strings.Contains(text, "GENERAL PUBLIC LICENSE") { // whatever else is in the file
		return ""
	}
	var names []string
	for _, l := range allowed {
		if l.name == "BSD-2-Clause" && slices.Contains(names, "BSD-3-Clause") {
			continue // its text is the other's beginning
		}
		if l.text.MatchString(text) {
			names = append(names, l.name)
		}
	}
	return strings.Join(names, " AND ")
}

// A licence that asks for more is not taken for one of the allowed.
func TestLicenceNames(t *testing.T) {
	for text, want := range map[string]string{
		"Permission is hereby granted, free of charge, to any\n person obtaining a copy":                                    "MIT",
		"Redistribution and use in source and binary forms, with or without\nmodification":                                  "BSD-2-Clause",
		"Redistribution and use in source and binary forms ... Neither the name of Google":                                  "BSD-3-Clause",
		"                                 Apache License\n                           Version 2.0, January 2004":             "Apache-2.0",
		"Permission is hereby granted, free of charge, to any person obtaining a copy ... the Apache License, Version 2.0 ": "MIT AND Apache-2.0",
		"GNU AFFERO GENERAL PUBLIC LICENSE Version 3, 19 November 2007":                                                     "",
		"GNU GENERAL PUBLIC LICENSE ... Permission is hereby granted, free of charge, to any person obtaining a copy":       "",
		"Business Source License 1.1": "",
	} {
		if got := nameLicence(text); got != want {
			t.Errorf("%q is named %q, want %q", text, got, want)
		}
	}
}
