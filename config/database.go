package config

import (
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
	hosts, params := splitPostgres(database)
	if params.Has("sslmode") || os.Getenv("PGSSLMODE") != "" {
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
// that net/url does not read it) and which may be a parameter.
func splitPostgres(database string) (hosts []string, params url.Values) {
	_, rest, _ := strings.Cut(database, "://")
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		rest = rest[i+1:]
	}
	path, query, _ := strings.Cut(rest, "?")
	params, _ = url.ParseQuery(query) // the driver refuses what is malformed
	authority, _, _ := strings.Cut(path, "/")
	for _, host := range strings.Split(authority+","+params.Get("host"), ",") {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if host != "" {
			hosts = append(hosts, host)
		}
	}
	return hosts, params
}

// local is whether what is sent to host stays on this machine.
func local(host string) bool {
	return strings.HasPrefix(host, "/") || isLoopback(strings.Trim(host, "[]"))
}
