package config

import (
	"cmp"
	"net/url"
	"os"
	"strings"
)

// mask stands for a secret.
const mask = "***"

// MaskDatabase gives a database setting fit to be shown: of a PostgreSQL URL only
// what is known to be no secret, and nothing of what is no known database.
func MaskDatabase(database string) string {
	switch {
	case database == "" || strings.HasPrefix(database, "sqlite:"):
		return database
	case !isPostgres(database):
		return mask
	}
	u, ok := splitPostgres(database)
	if !ok {
		return u.scheme + mask
	}
	return u.masked()
}

// CheckDatabase is the part of Check that concerns a database setting.
func CheckDatabase(database string) error {
	var p Problems
	checkDatabase(&p, database)
	return p.err()
}

func checkDatabase(p *Problems, database string) {
	const remedy = "write sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME"
	switch scheme, rest, _ := strings.Cut(database, ":"); {
	case database == "":
		p.add("database", "no database is set", remedy)
	case scheme != "sqlite" && !isPostgres(database):
		// The value may hold a password in a form that nothing here can mask.
		p.add("database", "the value is of no known kind", remedy)
	case strings.Trim(rest, "/") == "":
		p.add("database", quote(database)+" names no database", remedy)
	case isPostgres(database):
		checkPostgres(p, database)
	}
}

// isPostgres knows both schemes of libpq.
func isPostgres(database string) bool {
	return strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://")
}

// checkPostgres refuses what would send passwords and their hashes in the clear
// over a network because nobody thought of it: libpq's default is to do without
// TLS where the server has none.
func checkPostgres(p *Problems, database string) {
	u, ok := splitPostgres(database)
	params, err := url.ParseQuery(strings.TrimPrefix(u.query, "?"))
	if !ok || err != nil || !listForm.MatchString(params.Get("host")) { // said without any part of it, which may be one of the password
		p.add("database", "a character in the URL is out of place", "write postgres://USER:PASSWORD@HOST/NAME, and percent-encode those of the password: @ is %40, / is %2F, ? is %3F, # is %23")
		return
	}
	mode := cmp.Or(params.Get("sslmode"), os.Getenv("PGSSLMODE"), "prefer")
	if mode != "prefer" && mode != "allow" { // those two take TLS or leave it, as the server or whoever is in between likes
		return
	}
	for _, host := range u.hostNames(params) {
		if !local(host) {
			p.add("database", "it does not say whether the connection to "+quote(host)+" is encrypted",
				"add sslmode=verify-full, or sslmode=disable where nobody else can listen")
			return
		}
	}
}

// local is whether what is sent to host stays on this machine.
func local(host string) bool {
	return strings.HasPrefix(host, "/") || isLoopback(strings.Trim(host, "[]"))
}
