package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/grantd/grantd/config"
)

// write makes a file of mode 0600 and gives its path.
func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// loadYAML loads one file over the defaults. Paths in the error are cut to
// "grantd.yaml".
func loadYAML(t testing.TB, content string) (config.Config, string) {
	t.Helper()
	path := write(t, "grantd.yaml", content)
	c, err := config.Load(config.Sources{Base: config.Default(), File: path})
	if err == nil {
		return c, ""
	}
	return c, strings.ReplaceAll(problems(t, err).Error(), path, "grantd.yaml")
}

// loadEnv loads NAME=VALUE pairs over the defaults.
func loadEnv(t testing.TB, pairs ...string) (config.Config, string) {
	t.Helper()
	c, err := config.Load(config.Sources{Base: config.Default(), Environ: pairs})
	if err == nil {
		return c, ""
	}
	return c, problems(t, err).Error()
}

func problems(t testing.TB, err error) config.Problems {
	t.Helper()
	var p config.Problems
	if !errors.As(err, &p) {
		t.Fatalf("error is a %T, want Problems: %v", err, err)
	}
	for _, one := range p {
		if one.Where == "" || one.What == "" || strings.ContainsAny(one.Error(), "\n\r") {
			t.Fatalf("problem is not one line with place and cause: %#v", one)
		}
	}
	return p
}

func equal(t testing.TB, got, want config.Config) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

// contains checks that text has every one of the phrases.
func contains(t testing.TB, text string, phrases ...string) {
	t.Helper()
	for _, phrase := range phrases {
		if !strings.Contains(text, phrase) {
			t.Errorf("%q is missing in:\n%s", phrase, text)
		}
	}
}
