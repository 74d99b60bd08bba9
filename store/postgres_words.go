package store

import (
	"regexp"
	"strings"
)

var (
	textType = regexp.MustCompile(`\bTEXT\b`)
	inPlace  = regexp.MustCompile(`/\*in place\*/`)
	late     = regexp.MustCompile(`/\*late\*/ (\$\d|\w+)`)

	// What only one of the two databases has in a migration.
	forPostgres = regexp.MustCompile(`(?s)/\*PostgreSQL\n(.*?)\*/`)
	forSQLite   = regexp.MustCompile(`(?s)/\*SQLite\*/.*?/\*end\*/|\bWITHOUT ROWID\b`)
)

const postgresNow = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`

// arrival is the time $1, an argument or a column, or when the statement arrived if a network that was broken for a while
// delivered it late: dated back, a rotation that nobody was told of would leave its client no grace
// to ask again. A difference of more than an hour is that of two clocks, not of a network.
const arrival = `CASE WHEN ` + postgresNow + ` - $1 BETWEEN 2000 AND 3600000 THEN ` + postgresNow + ` ELSE $1 END`

// postgresWords: texts are compared byte by byte as SQLite does, whatever the database's locale.
// What is updated in place leaves room on its page for the next version of a row. Where it matters
// that a statement may be late, it counts from its arrival.
func postgresWords(query string) string {
	if strings.Contains(query, "/*lock ") {
		return lockClause.ReplaceAllString(query, "$1")
	}
	if strings.Contains(query, "CREATE TABLE") || strings.Contains(query, "ADD COLUMN") {
		query = textType.ReplaceAllString(query, `TEXT COLLATE "C"`)
		query = forSQLite.ReplaceAllString(forPostgres.ReplaceAllString(query, "$1"), "")
		return inPlace.ReplaceAllString(query, "WITH (fillfactor = 90)")
	}
	return late.ReplaceAllString(query, arrival)
}
