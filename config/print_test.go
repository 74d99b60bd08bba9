package config_test

import (
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/config"
)

func TestPrintIsReadAgain(t *testing.T) {
	for name, c := range map[string]config.Config{"default": config.Default(), "dev": config.Dev(), "all": unusual()} {
		t.Run(name, func(t *testing.T) {
			printed := printOf(t, c)
			again, problem := loadYAML(t, printed)
			if problem != "" {
				t.Fatalf("%s\n%s", problem, printed)
			}
			equal(t, again, c)
		})
	}
}

// unusual differs from the defaults in every setting that is no secret, and
// tempts the YAML printer.
func unusual() config.Config {
	return config.Config{
		Issuer: "https://auth.example.com/t: 1 #x", Listen: "null", OpsListen: "0x1F", ShutdownDelay: time.Second, Database: "sqlite:~/a b.db", DatabaseConnections: 9,
		MasterKeyFile:  "*key",
		TLS:            config.TLS{CertFile: "true", KeyFile: "- x"},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		Tokens: config.Tokens{
			AccessTTL: 90 * time.Second, RefreshTTL: 10 * time.Hour, RefreshMaxTTL: 10*time.Hour + time.Second,
			ReuseGrace: 0, SigningAlg: "12", Audience: "über", Audiences: []string{"https://a.example/", "urn:b"},
		},
		Sessions: config.Sessions{TTL: time.Hour, MaxTTL: 90 * time.Minute},
		Scopes:   []config.Scope{{Name: "~", Description: "a: b"}, {Name: "1", Description: "two\nlines"}, {Name: "items:write"}, {Name: "<<"}},
		Password: config.Password{BcryptCost: 4, MaxConcurrentHashes: 77, DefaultClient: "no"},
		Limits:   config.Limits{Account: config.Rate{Burst: 3, Per: 90 * time.Minute}, Client: config.Rate{Burst: 1, Per: time.Second}},
		Signup:   config.Signup{Enabled: true},
		Brand:    config.Brand{Name: "# Ex: ample", Accent: "#00ff00", LogoFile: "%logo"},
		Log:      config.Log{Level: "'", Format: `"`},
	}
}

func TestPrintMasksSecrets(t *testing.T) {
	c := config.Default()
	c.MasterKey, c.Tokens.SharedSecret = "hunter2", "hunter2"
	c.Database = "postgres://user:hunter2@host/db?sslmode=disable"
	printed := printOf(t, c)
	if strings.Contains(printed, "hunter2") {
		t.Error(printed)
	}
	contains(t, printed, "master_key: '***'", "shared_secret: '***'", "database: postgres://user:***@host/db?sslmode=disable")
}

func TestPrintSaysWhichSecretsAreNotSet(t *testing.T) {
	contains(t, printOf(t, config.Default()), `master_key: ""`, `shared_secret: ""`)
}

func TestPrintHasDurationsAsPeopleWriteThem(t *testing.T) {
	contains(t, printOf(t, config.Default()), "access_ttl: 15m\n", "refresh_ttl: 720h\n", "reuse_grace: 30s\n")
}

func TestPrintReportsAWriterThatFails(t *testing.T) {
	if err := config.Default().Print(full{}); err == nil {
		t.Error("no error")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestMaskDatabase(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"", ""},
		{"sqlite:grantd.db", "sqlite:grantd.db"},
		{"postgres://host:5432/db", "postgres://host:5432/db"},
		{"postgres://user@host/db", "postgres://user@host/db"},
		{"postgres://user:pass@host/db", "postgres://user:***@host/db"},
		{"postgres://user:@host/db", "postgres://user:***@host/db"},
		{"postgresql://user:pass@[::1]:5433,db-2.example.com,10.0.0.1:5432/db", "postgresql://user:***@[::1]:5433,db-2.example.com,10.0.0.1:5432/db"},
		{"postgres://user:p?s#s@host/db", "postgres://user:***@host/db"},
		{"postgres://user:line\nbreak@host/db", "postgres://user:***@host/db"},
		{"postgres://user%3Apass@host/db", "postgres://***@host/db"},
		{"postgres://%2Frun%2Fpostgresql/db?user=u", "postgres://%2Frun%2Fpostgresql/db?user=u"},
		{"postgres://host/a%20b", "postgres://host/***"},

		// A character that is not encoded ends the password early, or looks as if.
		{"postgres://user:p@s:s/w?r#d@host/db", "postgres://***"},
		{"postgres://us/er:pass@host/db", "postgres://***"},
		{"postgres://user:a/pass@host/db", "postgres://***"},
		{"postgres://user:1/a?sslkey=pass@host/db", "postgres://***"},
		{"postgres://user:@pass@host/db", "postgres://***"},
		{"postgres://user:@pass?sslmode=disable&x=@host/db", "postgres://***"},
		{"postgres://host/db?user=u@x", "postgres://host/db?user=***"},
		{"postgres://host/db#pass", "postgres://***"},
		{"postgres://host/db?sslkey=a#pass", "postgres://***"},

		// "@host" was forgotten: the password is where a port belongs.
		{"postgres://user:pass", "postgres://***"},
		{"postgres://user:pass/db", "postgres://***"},
		{"postgres://user:pass,host/db", "postgres://***"},
		{"postgres://user:pass?sslmode=disable", "postgres://***"},
		{"postgres://user%3Apass/db", "postgres://***"},
		{"postgres://us/er:pass", "postgres://***"},
		{"postgres://us/er%3Apass", "postgres://us/***"},
		{"postgres://[::1/pass", "postgres://***"},

		{"postgres://host/db?user=u&password=p&sslmode=require", "postgres://host/db?user=u&password=***&sslmode=require"},
		{"postgres://host/db?sslpassword=p", "postgres://host/db?sslpassword=***"},
		{"postgres://host/db?p%61ssword=p", "postgres://host/db?password=***"},
		{"postgres://host/db?PASSWORD=p", "postgres://host/db?***"},
		{"postgres://host/db?password=a&rest", "postgres://host/db?password=***&***"},
		{"postgres://host/db?password=a&re=st", "postgres://host/db?password=***&***"},
		{"postgres://host/db?user=u;password=p", "postgres://host/db?user=***"},
		{"postgres://host/db?user=u%3Ap&sslmode=p&connect_timeout=p&target_session_attrs=p", "postgres://host/db?user=***&sslmode=***&connect_timeout=***&target_session_attrs=***"},
		{"postgres://host/db?options=-c%20app.password%3Dp", "postgres://host/db?options=***"},
		{
			"postgres:///db?host=/run/postgresql,::1&port=5432,5433&connect_timeout=3&target_session_attrs=any&application_name=a.1&default_query_exec_mode=exec",
			"postgres:///db?host=/run/postgresql,::1&port=5432,5433&connect_timeout=3&target_session_attrs=any&application_name=a.1&default_query_exec_mode=exec",
		},
		{
			"postgres://host/db?passfile=/etc/grantd/pgpass&sslrootcert=~/ca.crt&sslcert=a.crt&sslkey=%2Fa.key",
			"postgres://host/db?passfile=/etc/grantd/pgpass&sslrootcert=~/ca.crt&sslcert=a.crt&sslkey=%2Fa.key",
		},
		{"host=h user=u password=p", "***"},
		{"mysql://user:pass@host/db", "***"},
	} {
		if got := config.MaskDatabase(tc.in); got != tc.want {
			t.Errorf("%q is shown as %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestExampleIsTheDefaults(t *testing.T) {
	c, problem := loadYAML(t, config.Example())
	if problem != "" {
		t.Fatal(problem)
	}
	equal(t, c, config.Default())
}

func TestExampleHasEverySettingOnce(t *testing.T) {
	// A setting in a comment has no space after the '#'.
	all := regexp.MustCompile(`(?m)^( *)#(\S)`).ReplaceAllString(config.Example(), "$1$2")
	// Of a secret and its file only one is given.
	one := regexp.MustCompile(`(?m)^ *(database|shared_secret)_file:.*\n`).ReplaceAllString(all, "")
	if _, problem := loadYAML(t, one); problem != "" {
		t.Fatalf("with all comments removed: %s", problem)
	}
	count := map[string]int{}
	group := ""
	for _, m := range regexp.MustCompile(`(?m)^(  )?(\w+):(.?)`).FindAllStringSubmatch(all, -1) {
		key := m[2]
		if m[1] != "" {
			key = group + "." + key
		} else {
			group = key
		}
		count[key]++
	}
	for _, s := range config.Settings() {
		if count[s.Key] != 1 {
			t.Errorf("%s stands %d times in the example", s.Key, count[s.Key])
		}
	}
}

func printOf(t testing.TB, c config.Config) string {
	t.Helper()
	var b strings.Builder
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
