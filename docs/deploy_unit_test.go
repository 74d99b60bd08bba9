package docs_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/config"
)

var unitLine = regexp.MustCompile(`(?m)^(\w+)=(.*)$`)

func TestUnit(t *testing.T) {
	t.Parallel()
	unit := map[string]string{}
	for _, found := range unitLine.FindAllStringSubmatch(read(t, "deploy/grantd.service"), -1) {
		unit[found[1]] = found[2]
	}
	// As systemd hands it over, by the name that grantd looks for.
	name, from, _ := strings.Cut(unit["LoadCredential"], ":")
	credentials := t.TempDir()
	write(t, filepath.Join(credentials, name), masterKey)
	c := valid(t, config.Sources{File: "deploy/grantd.yaml", Environ: []string{"CREDENTIALS_DIRECTORY=" + credentials}}, "/etc/grantd")
	if !strings.Contains(read(t, "deploy/README.md"), " --master-key-file "+from) {
		t.Errorf("the master key is not at %s", from)
	}
	started := strings.Fields(unit["ExecStart"])
	known(t, grantd(t), started[1:])
	if manual := read(t, "deploy/README.md"); started[len(started)-1] != "/etc/grantd/grantd.yaml" || !strings.Contains(manual, "install grantd "+filepath.Dir(started[0])+"/") {
		t.Errorf("started as %q", started)
	}
	if grace, err := time.ParseDuration(unit["TimeoutStopSec"]); err != nil || grace <= stopping(c) {
		t.Errorf("killed after %s, %v", unit["TimeoutStopSec"], err)
	}

	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		return // the rest is systemd's own opinion
	}
	path := filepath.Join(t.TempDir(), "grantd.service")
	write(t, path, strings.Replace(read(t, "deploy/grantd.service"), started[0], "/bin/true", 1)) // which is there
	for _, args := range [][]string{{"verify", path}, {"security", "--offline=true", "--threshold=15", path}} {
		out, err := command(t, t.TempDir(), analyze, args...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
}
