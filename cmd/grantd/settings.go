package main

import (
	"os"
	"slices"
	"strings"

	"github.com/grantd/grantd/config"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// settingKey marks a flag that is a setting, with its key: "user add" has a
// --scopes of its own.
const settingKey = "grantd-setting"

// addSettings gives cmd a flag for each of the named settings, or for all. A
// secret has no flag: other users of the machine can read a command line. With a setting goes the one
// that names a file for it.
func addSettings(cmd *cobra.Command, keys ...string) {
	for _, s := range config.Settings() {
		if s.Secret || len(keys) > 0 && !slices.Contains(keys, s.Key) && !slices.Contains(keys, strings.TrimSuffix(s.Key, "_file")) {
			continue
		}
		cmd.Flags().String(s.Flag, s.Default, s.Usage)
		flag := cmd.Flags().Lookup(s.Flag)
		flag.Annotations = map[string][]string{settingKey: {s.Key}}
		if s.Bool {
			flag.NoOptDefVal = "true"
		}
	}
}

// load merges base with the file, the environment and the flags of cmd.
func (a *app) load(cmd *cobra.Command, base config.Config) (config.Config, error) {
	file := a.configFile
	if file == "" {
		file = os.Getenv("GRANTD_CONFIG")
	}
	given := map[string]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		for _, key := range f.Annotations[settingKey] {
			given[key] = f.Value.String()
		}
	})
	return config.Load(config.Sources{Base: base, File: file, Environ: os.Environ(), Flags: given})
}
