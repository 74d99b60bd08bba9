package docs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/config"
	"go.yaml.in/yaml/v3"
)

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

type volume struct {
	Name   string
	Secret struct {
		Mode  int `yaml:"defaultMode"`
		Items []struct{ Key, Path string }
	}
}

type mount struct {
	Name string
	Path string `yaml:"mountPath"`
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
					Group   int  `yaml:"fsGroup"`
				} `yaml:"securityContext"`
				Volumes    []volume
				Containers []struct {
					Args   []string
					Mounts []mount `yaml:"volumeMounts"`
					Env    []struct {
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
	if _, err := config.ParseMaster("the example", secrets["master-key"]); err == nil {
		t.Error("the example's master key is taken")
	}
	c := valid(t, config.Sources{Environ: environ(settings)}, "/etc/grantd")

	program := grantd(t)
	for _, kind := range []string{"Job", "Deployment"} {
		pod := manifests[kind].Spec.Template.Spec
		own := pod.Containers[0]
		known(t, program, own.Args)
		for _, e := range own.Env {
			if _, ok := secrets[e.From.Secret.Key]; !ok || e.Name != "PGPASSWORD" {
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
	// The master key is a file of root's, which the pod's group may read, and nobody else.
	key := pod.Volumes[slices.IndexFunc(pod.Volumes, func(v volume) bool { return v.Name == "master-key" })].Secret
	if key.Mode != 0o440 || pod.Security.Group != pod.Security.User || len(key.Items) != 1 || secrets[key.Items[0].Key] == "" {
		t.Errorf("the master key is mounted as %+v, with the group %d", key, pod.Security.Group)
	}
	mounted := slices.ContainsFunc(pod.Containers[0].Mounts, func(m mount) bool {
		return m.Name == "master-key" && m.Path+"/"+key.Items[0].Path == settings["GRANTD_MASTER_KEY_FILE"]
	})
	if !mounted {
		t.Errorf("%s is not mounted", settings["GRANTD_MASTER_KEY_FILE"])
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
