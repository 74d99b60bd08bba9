package config

import (
	"regexp"
	"slices"
	"strings"
)

const (
	envPrefix = "GRANTD_"
	envFile   = "GRANTD_CONFIG" // names the file; read by the command
)

// readEnviron sets what the environment gives. An empty value counts as not
// given: compose files and unit files cannot leave a variable out.
func readEnviron(c *Config, environ []string) (p Problems) {
	pod := slices.ContainsFunc(environ, isPod)
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		switch l, known := findEnv(name); {
		case value == "" || name == envFile || !strings.HasPrefix(name, envPrefix):
		case known:
			p.addError(name, l.set(c, value))
		case pod && serviceLink.MatchString(name):
		default:
			p.add(name, "unknown setting", envRemedy(name))
		}
	}
	return p
}

// envRemedy guesses only what may be a slip: in some other program's variable no
// setting is meant.
func envRemedy(name string) string {
	if remedy, isFlag := resourceFlag(strings.ToLower(strings.TrimPrefix(name, envPrefix))); isFlag {
		return remedy
	}
	key, isClose := measured(strings.TrimPrefix(name, envPrefix), leafKeys())
	if !isClose {
		return `see "grantd serve --help"`
	}
	return didYouMean(envName(key))
}

// resourceFlag tells how to give what "grantd resource" takes as a flag and from nowhere else.
func resourceFlag(key string) (remedy string, isFlag bool) {
	return `give it as a flag of "grantd resource": --` + flagName(key), key == "url" || key == "revocations_max_age"
}

func findEnv(name string) (leaf, bool) {
	for _, l := range table {
		if envName(l.key) == name {
			return l, true
		}
	}
	return leaf{}, false
}

// serviceLink matches what Kubernetes puts into every container beside a
// Service called grantd or grantd-something; nobody meant these as settings.
var serviceLink = regexp.MustCompile(
	`^GRANTD_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

func isPod(pair string) bool { return strings.HasPrefix(pair, "KUBERNETES_SERVICE_HOST=") }
