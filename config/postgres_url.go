package config

import (
	"net"
	"net/url"
	"regexp"
	"strings"
)

// postgresURL is a PostgreSQL URL in its parts, split as libpq does. net/url reads none with
// several hosts.
type postgresURL struct {
	scheme               string
	user                 string // as it is written
	hasUser, hasPassword bool
	hosts                string // as they are written
	path                 string // begins with the '/', if there is one
	query                string // begins with the '?', if there is one
}

var (
	hostForm = regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+(%25\w+)?\]|(%2[Ff][\w.-]+)+|[\pL\pN_.-]*)(:\d{0,5})?$`)
	pathForm = regexp.MustCompile(`^(/[^/:@#]*)?$`)

	userParam = regexp.MustCompile(`^user=[\pL\pN_.-]+@[\pL\pN_.-]+$`)
)

// splitPostgres is not ok where one cannot tell what is the password, and so what may be shown: a
// character that is not encoded may have ended it early, or "@host" was forgotten behind it.
func splitPostgres(database string) (u postgresURL, ok bool) {
	scheme, rest, _ := strings.Cut(database, "://")
	u.scheme = scheme + "://"
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		u.hasUser = true
		u.user, _, u.hasPassword = strings.Cut(rest[:i], ":")
		rest = rest[i+1:]
	}
	rest, u.query = cutBefore(rest, "?")
	u.hosts, u.path = cutBefore(rest, "/")
	for _, host := range strings.Split(u.hosts, ",") {
		if !hostForm.MatchString(host) { // 'secret' in user:secret/name looks like a port
			return u, false
		}
	}
	for _, param := range strings.Split(strings.TrimPrefix(u.query, "?"), "&") {
		if strings.ContainsAny(param, "@#") && !userParam.MatchString(param) { // of a password with a '?' in it
			return u, false
		}
	}
	return u, pathForm.MatchString(u.path)
}

// cutBefore is strings.Cut that leaves sep with what follows it.
func cutBefore(s, sep string) (before, after string) {
	if i := strings.Index(s, sep); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// hostNames are those of the URL's hosts, of which there may be some in a parameter.
func (u postgresURL) hostNames(params url.Values) (names []string) {
	for _, host := range strings.Split(u.hosts+","+params.Get("host"), ",") {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if name, err := url.PathUnescape(host); err == nil { // %2Frun%2Fpostgresql
			host = name
		}
		if host != "" {
			names = append(names, host)
		}
	}
	return names
}

var (
	plainForm  = regexp.MustCompile(`^[\pL\pN_.-]*$`)
	numberForm = regexp.MustCompile(`^\d*$`)
	listForm   = regexp.MustCompile(`^[\pL\pN_./,:-]*$`)
	fileForm   = regexp.MustCompile(`^[\pL\pN_./~-]*$`)
)

// shownParams are the parameters whose names may be shown, and what their values may look like to be
// shown, too. Of others not even the name is: it may be the rest of a password with a '&' in it.
var shownParams = map[string]*regexp.Regexp{
	"password": nil, "sslpassword": nil, "options": nil,
	"user": plainForm, "dbname": plainForm, "application_name": plainForm,
	"host": listForm, "port": regexp.MustCompile(`^[\d,]*$`),
	"sslmode":              regexp.MustCompile(`^(disable|allow|prefer|require|verify-ca|verify-full)$`),
	"target_session_attrs": regexp.MustCompile(`^(any|read-write|read-only|primary|standby|prefer-standby)$`),
	"passfile":             fileForm, "sslrootcert": fileForm, "sslcert": fileForm, "sslkey": fileForm,
	"connect_timeout": numberForm, "statement_cache_capacity": numberForm, "description_cache_capacity": numberForm,
	"default_query_exec_mode": regexp.MustCompile(`^(cache_statement|cache_describe|describe_exec|exec|simple_protocol)$`),
}

// masked is the URL with everything in it that may be secret replaced.
func (u postgresURL) masked() string {
	text := u.scheme
	if u.hasUser {
		text += shown(u.user, plainForm) // g%3Asecret@ is a user, too
		if u.hasPassword {
			text += ":" + mask
		}
		text += "@"
	}
	text += u.hosts
	if u.path != "" {
		text += "/" + shown(u.path[1:], plainForm)
	}
	if u.query == "" {
		return text
	}
	params := strings.Split(u.query[1:], "&")
	for i, param := range params {
		params[i] = maskedParam(param)
	}
	return text + "?" + strings.Join(params, "&")
}

func maskedParam(param string) string {
	if param == "" {
		return ""
	}
	key, value, _ := strings.Cut(param, "=")
	name, err := url.PathUnescape(key) // p%61ssword
	form, known := shownParams[name]
	if err != nil || !known {
		return mask
	}
	return name + "=" + shown(value, form)
}

// shown is the text if what it means has the form, else the mask.
func shown(text string, form *regexp.Regexp) string {
	if meant, err := url.PathUnescape(text); err != nil || form == nil || !form.MatchString(meant) {
		return mask
	}
	return text
}
