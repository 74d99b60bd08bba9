package docs_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/config"
	"go.yaml.in/yaml/v3"
)

// The files of docs/deploy are read as what they are, and what grantd has to know in them is asked
// of grantd. haproxy.cfg has a test of its own in cmd/grantd.

// masterKey is one that grantd takes.
var masterKey = base64.StdEncoding.EncodeToString(make([]byte, 32))

// stopping is how long grantd may take after SIGTERM: running requests, and shutdown_delay.
func stopping(c config.Config) time.Duration { return 20*time.Second + c.ShutdownDelay }

// valid wants settings that "grantd serve" takes. The folder from is where the master key is.
func valid(t *testing.T, s config.Sources, from string) config.Config {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"master_key", "master.key"} {
		write(t, filepath.Join(dir, name), masterKey)
	}
	for i := range s.Environ {
		s.Environ[i] = strings.ReplaceAll(s.Environ[i], "_FILE="+from, "_FILE="+dir)
	}
	if s.File != "" {
		text := strings.ReplaceAll(read(t, s.File), "_file: "+from, "_file: "+dir)
		s.File = filepath.Join(dir, "grantd.yaml")
		write(t, s.File, text)
	}
	s.Base = config.Default()
	c, err := config.Load(s)
	if err = errors.Join(err, c.Check()); err != nil {
		t.Error(err)
	}
	return c
}

func environ(settings map[string]string) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		list = append(list, name+"="+settings[name])
	}
	return list
}

// known wants a command line that grantd has.
func known(t *testing.T, program string, args []string) {
	t.Helper()
	if out, err := command(t, t.TempDir(), program, append(slices.Clone(args), "--help")...).CombinedOutput(); err != nil {
		t.Errorf("grantd %q: %v\n%s", args, err, out)
	}
}

func port(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Error(err)
	}
	return port
}

func decodeYAML(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

type composeService struct {
	Command     []string
	Environment map[string]string
	Secrets     []string
	Ports       []string
	Volumes     []string
	ReadOnly    bool          `yaml:"read_only"`
	Grace       time.Duration `yaml:"stop_grace_period"`
	Healthcheck struct{ Test []string }
	Networks    yaml.Node
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
}

// address is the one that a service has in the network of the balancer.
func (s composeService) address(t *testing.T) string {
	var in struct {
		Front struct {
			Address string `yaml:"ipv4_address"`
		}
	}
	if err := s.Networks.Decode(&in); err != nil {
		t.Error(err)
	}
	return in.Front.Address
}

func TestCompose(t *testing.T) {
	t.Parallel()
	var file struct {
		Services map[string]composeService
		Secrets  map[string]struct{ File string }
	}
	decodeYAML(t, read(t, "deploy/compose.yaml"), &file)
	manual, balancer, program := read(t, "deploy/README.md"), read(t, "deploy/haproxy.cfg"), grantd(t)
	var servers []string
	for name, s := range file.Services {
		for after := range s.DependsOn {
			if _, ok := file.Services[after]; !ok {
				t.Errorf("%s waits for %s, which is not there", name, after)
			}
		}
		for _, secret := range s.Secrets {
			if path := file.Secrets[secret].File; path == "" || !strings.Contains(manual, path) {
				t.Errorf("%s: nobody makes the secret %s", name, secret)
			}
		}
		for _, volume := range s.Volumes {
			path, _, _ := strings.Cut(volume, ":")
			if _, err := os.Stat(filepath.Join("deploy", path)); strings.HasPrefix(path, "./") && err != nil && !strings.Contains(manual, path[2:]) {
				t.Errorf("%s: there is no %s", name, path)
			}
		}
		if len(s.Ports) > 0 && name != "balancer" {
			t.Errorf("%s is public", name)
		}
		if _, ours := s.Environment["GRANTD_ISSUER"]; !ours {
			continue
		}
		c := valid(t, config.Sources{Environ: environ(s.Environment)}, "/run/secrets")
		known(t, program, s.Command)
		if !s.ReadOnly {
			t.Errorf("%s can write", name)
		}
		if s.Command[0] != "serve" {
			continue
		}
		known(t, program, s.Healthcheck.Test[2:])
		if s.Grace <= stopping(c) {
			t.Errorf("%s is killed after %s", name, s.Grace)
		}
		if got := file.Services["balancer"].address(t); got == "" || fmt.Sprint(c.TrustedProxies) != "["+got+"/32]" {
			t.Errorf("%s trusts %v, the balancer is %s", name, c.TrustedProxies, got)
		}
		if !strings.Contains(balancer, "check port "+port(t, c.OpsListen)+" ") {
			t.Errorf("the balancer does not ask at %s", c.OpsListen)
		}
		servers = append(servers, fmt.Sprintf("%s %s:%s", name, s.address(t), port(t, c.Listen)))
	}
	servers = append(servers, servers...) // of both backends
	slices.Sort(servers)
	var want []string
	for _, found := range regexp.MustCompile(`(?m)^\tserver (.*)$`).FindAllStringSubmatch(balancer, -1) {
		want = append(want, found[1])
	}
	slices.Sort(want)
	if !slices.Equal(servers, want) {
		t.Errorf("the replicas are %q, the balancer's are %q", servers, want)
	}
}
