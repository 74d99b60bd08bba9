package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/config"
)

func TestRates(t *testing.T) {
	for _, c := range []struct {
		text string
		want config.Rate
		says string // of what is wrong
	}{
		{"10/15m", config.Rate{Burst: 10, Per: 15 * time.Minute}, ""},
		{" 1/1s\n", config.Rate{Burst: 1, Per: time.Second}, ""},
		{"1000000/720h", config.Rate{Burst: 1_000_000, Per: 720 * time.Hour}, ""},
		{"off", config.Rate{}, ""},
		{"", config.Rate{}, "is not a rate"},
		{"10", config.Rate{}, "is not a rate"},
		{"10/", config.Rate{}, "is not a rate"},
		{"/15m", config.Rate{}, "is not a rate"},
		{"10/15", config.Rate{}, "is not a rate"},
		{"10/15m/2", config.Rate{}, "is not a rate"},
		{"OFF", config.Rate{}, "is not a rate"},
		{"0/15m", config.Rate{}, "too few or too many"},
		{"-1/15m", config.Rate{}, "too few or too many"},
		{"1000001/15m", config.Rate{}, "too few or too many"},
		{"10/999ms", config.Rate{}, "too short or too long"},
		{"10/721h", config.Rate{}, "too short or too long"},
		{"10/-15m", config.Rate{}, "too short or too long"},
	} {
		got, err := config.Load(config.Sources{Base: config.Default(), Flags: map[string]string{"limits.account": c.text}})
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q: %v, want %q", c.text, err, c.says)
			}
			continue
		}
		if err != nil || got.Limits.Account != c.want {
			t.Errorf("%q is %v, %v", c.text, got.Limits.Account, err)
		}
	}
	for _, yaml := range []string{"limits: {account: off}\n", "limits: {account: \"off\"}\n"} {
		if got, problem := loadYAML(t, yaml); problem != "" || got.Limits.Account != (config.Rate{}) {
			t.Errorf("%s is %v: %s", yaml, got.Limits.Account, problem)
		}
	}
}
