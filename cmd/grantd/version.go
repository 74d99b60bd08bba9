package main

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version, and the commit it was built from", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			said := map[string]string{"version": version(), "commit": builtFrom(), "go": runtime.Version()}
			return a.say(said, "grantd %s", version())
		},
	}
}

// release is the version of this source tree; CHANGELOG.md begins with it.
const release = "0.1.0"

// commit is set by the linker, in "make build" and in the Dockerfile: 40 hexadecimal digits, and "-dirty" where
// the tree had changes. The go command's own stamp would depend on the tags that a clone happens to have.
var commit string

// builtFrom is the commit, as commit has it, also where the go command alone has built. It is empty when nobody knows.
func builtFrom() string {
	if commit != "" {
		return commit
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	stamp := map[string]string{}
	for _, s := range info.Settings {
		stamp[s.Key] = s.Value
	}
	if stamp["vcs.modified"] == "true" {
		return stamp["vcs.revision"] + "-dirty"
	}
	return stamp["vcs.revision"]
}

// version is the release and, where the build knows it, the commit: 0.1.0+0123456789ab, or 0.1.0+0123456789ab.dirty.
func version() string {
	from, _, dirty := strings.Cut(builtFrom(), "-")
	if len(from) < 12 {
		return release
	}
	v := release + "+" + from[:12]
	if dirty {
		v += ".dirty"
	}
	return v
}
