package config

import (
	"cmp"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// mask stands for a secret.
const mask = "***"

var (
	// Greedy, up to the last '@': an unescaped password may hold any character.
	userPassword = regexp.MustCompile(`(?s)^(postgres(?:ql)?://[^:@]*):.*@`)
	paramSecret  = regexp.MustCompile(`(?i)(password=)[^&]*`)
)

// MaskDatabase gives a database setting fit to be shown: passwords of a
// PostgreSQL URL are "***", and so is anything that is no known database.
func MaskDatabase(database string) string {
	switch {
	case database == "" || strings.HasPrefix(database, "sqlite:"):
		return database
	case isPostgres(database):
		database = userPassword.ReplaceAllString(database, "$1:"+mask+"@")
		return paramSecret.ReplaceAllString(database, "${1}"+mask)
	}
	return mask
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
	hosts, params, ok := splitPostgres(database)
	if !ok { // said without any part of it, which may be one of the password
		p.add("database", "a character in the URL is out of place", "percent-encode those of the password: @ is %40, / is %2F, ? is %3F, # is %23")
		return
	}
	mode := cmp.Or(params.Get("sslmode"), os.Getenv("PGSSLMODE"), "prefer")
	if mode != "prefer" && mode != "allow" { // those two take TLS or leave it, as the server or whoever is in between likes
		return
	}
	for _, host := range hosts {
		if !local(host) {
			p.add("database", "it does not say whether the connection to "+quote(host)+" is encrypted",
				"add sslmode=verify-full, or sslmode=disable where nobody else can listen")
			return
		}
	}
}

// splitPostgres finds the hosts of a URL, of which there may be several (so
// that net/url does not read it) and which may be a parameter. It is not ok when
// one cannot tell where the password ends.
func splitPostgres(database string) (hosts []string, params url.Values, ok bool) {
	_, rest, _ := strings.Cut(database, "://")
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		rest = rest[i+1:]
	}
	path, query, _ := strings.Cut(rest, "?")
	params, err := url.ParseQuery(query)
	if err != nil || strings.ContainsAny(path, "@#") || strings.Contains(query, "#") {
		return nil, nil, false
	}
	authority, _, _ := strings.Cut(path, "/")
	for _, host := range strings.Split(authority+","+params.Get("host"), ",") {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if host != "" {
			hosts = append(hosts, host)
		}
	}
	return hosts, params, true
}

// local is whether what is sent to host stays on this machine.
func local(host string) bool {
	return strings.HasPrefix(host, "/") || isLoopback(strings.Trim(host, "[]"))
}
