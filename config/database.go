package config

import (
	"regexp"
	"strings"
)

// mask stands for a secret.
const mask = "***"

var (
	// Greedy, up to the last '@': an unescaped password may hold any character.
	userPassword = regexp.MustCompile(`(?s)^(postgres://[^:@]*):.*@`)
	paramSecret  = regexp.MustCompile(`(?i)(password=)[^&]*`)
)

// MaskDatabase gives a database setting fit to be shown: passwords of a
// PostgreSQL URL are "***", and so is anything that is no known database.
func MaskDatabase(database string) string {
	switch {
	case database == "" || strings.HasPrefix(database, "sqlite:"):
		return database
	case strings.HasPrefix(database, "postgres://"):
		database = userPassword.ReplaceAllString(database, "$1:"+mask+"@")
		return paramSecret.ReplaceAllString(database, "${1}"+mask)
	}
	return mask
}

func checkDatabase(p *Problems, database string) {
	const remedy = "write sqlite:PATH"
	switch scheme, rest, _ := strings.Cut(database, ":"); {
	case database == "":
		p.add("database", "no database is set", remedy)
	case scheme != "sqlite" && !strings.HasPrefix(database, "postgres://"):
		// The value may hold a password in a form that nothing here can mask.
		p.add("database", "the value is of no known kind", remedy)
	case strings.Trim(rest, "/") == "":
		p.add("database", quote(database)+" names no database", remedy)
	}
}
