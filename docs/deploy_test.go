package docs_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
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
	slices.Sort(servers)
	var want []string
	for _, found := range regexp.MustCompile(`(?m)^\tserver (.*)$`).FindAllStringSubmatch(balancer, -1) {
		want = append(want, found[1])
	}
	if !slices.Equal(servers, want) {
		t.Errorf("the replicas are %q, the balancer's are %q", servers, want)
	}
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

type manifest struct {
	Kind       string
	Data       map[string]string
	StringData map[string]string `yaml:"stringData"`
	Spec       struct {
		Replicas int
		Min      int `yaml:"minAvailable"`
		Ports    []struct {
			Target string `yaml:"targetPort"`
		}
		Template struct {
			Spec struct {
				Grace    int `yaml:"terminationGracePeriodSeconds"`
				Security struct {
					NonRoot bool `yaml:"runAsNonRoot"`
					User    int  `yaml:"runAsUser"`
				} `yaml:"securityContext"`
				Containers []struct {
					Args []string
					Env  []struct {
						Name string
						From struct {
							Secret struct{ Name, Key string } `yaml:"secretKeyRef"`
						} `yaml:"valueFrom"`
					}
					Ports []struct {
						Name string
						Port string `yaml:"containerPort"`
					}
					Ready    probe `yaml:"readinessProbe"`
					Live     probe `yaml:"livenessProbe"`
					Security struct {
						Escalation   *bool                   `yaml:"allowPrivilegeEscalation"`
						ReadOnly     bool                    `yaml:"readOnlyRootFilesystem"`
						Capabilities struct{ Drop []string } `yaml:"capabilities"`
					} `yaml:"securityContext"`
				}
			}
		}
	}
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	manifests := map[string]manifest{}
	for in := yaml.NewDecoder(bytes.NewReader([]byte(read(t, "deploy/kubernetes.yaml")))); ; {
		var m manifest
		err := in.Decode(&m)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, second := manifests[m.Kind]; !second { // the second ConfigMap has no settings
			manifests[m.Kind] = m
		}
	}
	settings, secrets := manifests["ConfigMap"].Data, manifests["Secret"].StringData
	environment := append(environ(settings), "GRANTD_MASTER_KEY="+secrets["master-key"])
	c, err := config.Load(config.Sources{Base: config.Default(), Environ: environment})
	if err != nil || c.Check() == nil {
		t.Errorf("the example's master key is taken: %v", err)
	}
	c = valid(t, config.Sources{Environ: append(environ(settings), "GRANTD_MASTER_KEY="+masterKey)}, "")

	program := grantd(t)
	for _, kind := range []string{"Job", "Deployment"} {
		pod := manifests[kind].Spec.Template.Spec
		own := pod.Containers[0]
		known(t, program, own.Args)
		for _, e := range own.Env {
			if _, ok := secrets[e.From.Secret.Key]; !ok || e.Name != "GRANTD_MASTER_KEY" && e.Name != "PGPASSWORD" {
				t.Errorf("%s: %+v", kind, e)
			}
		}
		s := own.Security
		if !pod.Security.NonRoot || pod.Security.User == 0 || s.Escalation == nil || *s.Escalation || !s.ReadOnly || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) {
			t.Errorf("%s may too much: %+v, %+v", kind, pod.Security, s)
		}
	}
	deployment := manifests["Deployment"].Spec
	pod := deployment.Template.Spec
	if !strings.Contains(read(t, "../Dockerfile"), fmt.Sprintf("\nUSER %d:", pod.Security.User)) {
		t.Errorf("the image has another user than %d", pod.Security.User)
	}
	if grace := time.Duration(pod.Grace) * time.Second; grace <= stopping(c) {
		t.Errorf("pods are killed after %s", grace)
	}
	if least := manifests["PodDisruptionBudget"].Spec.Min; least < 1 || least >= deployment.Replicas {
		t.Errorf("%d of %d replicas have to be there", least, deployment.Replicas)
	}
	ports := map[string]string{}
	for _, p := range pod.Containers[0].Ports {
		ports[p.Name] = p.Port
	}
	if ports["http"] != port(t, c.Listen) || ports["ops"] != port(t, c.OpsListen) {
		t.Errorf("ports %v", ports)
	}
	if service := manifests["Service"].Spec.Ports; len(service) != 1 || service[0].Target != "http" {
		t.Errorf("the service has %v", service)
	}
	wantProbes(t, program, pod.Containers[0].Ready, pod.Containers[0].Live)
}

// wantProbes wants paths at which a server answers operators.
func wantProbes(t *testing.T, program string, probes ...probe) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	startDev(t, t.TempDir(), program, "dev", "--ops-listen", address)
	for _, p := range probes {
		resp, err := http.Get("http://" + address + p.HTTPGet.Path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || p.HTTPGet.Port != "ops" {
			t.Errorf("%+v: %s", p, resp.Status)
		}
	}
}

var unitLine = regexp.MustCompile(`(?m)^(\w+)=(.*)$`)

func TestUnit(t *testing.T) {
	t.Parallel()
	unit := map[string]string{}
	for _, found := range unitLine.FindAllStringSubmatch(read(t, "deploy/grantd.service"), -1) {
		unit[found[1]] = found[2]
	}
	c := valid(t, config.Sources{File: "deploy/grantd.yaml"}, "/etc/grantd")
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
