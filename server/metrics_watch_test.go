package server_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// rule is one of docs/deploy/prometheus-alerts.yaml.
type rule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func readRules(t *testing.T) []rule {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal([]byte(readDoc(t, "deploy/prometheus-alerts.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Groups) != 1 || len(file.Groups[0].Rules) == 0 {
		t.Fatalf("%d groups", len(file.Groups))
	}
	return file.Groups[0].Rules
}

func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	selector = regexp.MustCompile(`\b((?:grantd|go|process)_[a-z_]+)(\{[^}]*\})?`)
	matcher  = regexp.MustCompile(`([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
)

// wantKnown checks that an expression is about metrics that there are, with labels and values that they have.
func (m metrics) wantKnown(t *testing.T, where, expr string) {
	t.Helper()
	if !selector.MatchString(expr) && !strings.Contains(expr, "up{") {
		t.Errorf("%s: no metric in %s", where, expr)
	}
	for _, found := range selector.FindAllStringSubmatch(expr, -1) {
		family := m.family(found[1])
		if m.kinds[family] == "" {
			t.Errorf("%s: there is no metric %s", where, found[1])
			continue
		}
		for _, label := range matcher.FindAllStringSubmatch(found[2], -1) {
			name, op, value := label[1], label[2], label[3]
			switch {
			case name == "job", name == "instance", name == "quantile":
			case !m.labels[family][name]:
				t.Errorf("%s: %s has no label %s", where, family, name)
			case op == "=" && !strings.Contains(m.text, name+`="`+value+`"`):
				t.Errorf("%s: no %s has %s %q", where, family, name, value)
			case op == "=~" && family == "grantd_logins_total":
				for _, one := range strings.Split(value, "|") {
					if !strings.Contains(m.text, "grantd_logins_total{"+name+`="`+one+`"}`) {
						t.Errorf("%s: no %s has %s %q", where, family, name, one)
					}
				}
			}
		}
	}
}

// runbooks are where the alerts lead to.
const runbooks = "https://github.com/grantd/grantd/blob/main/docs/operating.md#"

func TestAlerts(t *testing.T) {
	m, manual := documented(t), readDoc(t, "operating.md")
	seen := map[string]bool{}
	for _, r := range readRules(t) {
		m.wantKnown(t, r.Alert, r.Expr)
		if seen[r.Alert] || !strings.HasPrefix(r.Alert, "Grantd") {
			t.Errorf("%q is no name, or that of two", r.Alert)
		}
		seen[r.Alert] = true
		if s := r.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s: severity %q", r.Alert, s)
		}
		if r.Annotations["summary"] == "" || r.Annotations["runbook_url"] != runbooks+strings.ToLower(r.Alert) {
			t.Errorf("%s: %v", r.Alert, r.Annotations)
		}
		_, runbook, ok := strings.Cut(manual, "\n### "+r.Alert+"\n")
		if runbook, _, _ = strings.Cut(runbook, "\n#"); !ok || !strings.Contains(runbook, "**Means**") || !strings.Contains(runbook, "**Look**") || !strings.Contains(runbook, "**Do**") {
			t.Errorf("docs/operating.md does not say of %s what it means, where to look and what to do", r.Alert)
		}
	}
	for _, heading := range regexp.MustCompile(`\n### (Grantd\w+)\n`).FindAllStringSubmatch(manual, -1) {
		if !seen[heading[1]] {
			t.Errorf("there is no alert %s", heading[1])
		}
	}
}

// Prometheus's own tool finds nothing to say about metrics and rules, and the rules fire when they should.
func TestPromtool(t *testing.T) {
	for _, args := range [][]string{
		{"check", "metrics"},
		{"check", "config", "../docs/deploy/prometheus.yaml"},
		{"check", "rules", "../docs/deploy/prometheus-alerts.yaml"},
		{"test", "rules", "../docs/testdata/prometheus-alerts-test.yaml"},
	} {
		cmd := exec.Command("promtool", args...)
		cmd.Stdin = strings.NewReader(documented(t).text)
		if out, err := cmd.CombinedOutput(); err != nil || args[1] == "metrics" && len(out) > 0 {
			t.Errorf("promtool %s: %v (\"make tools\" installs it)\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// panel is one of the dashboard. A row has no targets.
type panel struct {
	ID         int
	Type       string
	Title      string
	Datasource struct{ Type, UID string }
	GridPos    struct{ H, W, X, Y int }
	Targets    []struct {
		RefID, Expr string
		Datasource  struct{ UID string }
	}
}

func TestDashboard(t *testing.T) {
	var board struct {
		Title, UID    string
		SchemaVersion int
		Panels        []panel
		Templating    struct {
			List []struct{ Name, Type, Definition string }
		}
	}
	if err := json.Unmarshal([]byte(readDoc(t, "deploy/grafana-dashboard.json")), &board); err != nil {
		t.Fatal(err)
	}
	if board.SchemaVersion < 38 || board.UID != "grantd" { // of Grafana 10
		t.Errorf("%+v", board)
	}
	if v := board.Templating.List[0]; v.Name != "datasource" || v.Type != "datasource" {
		t.Errorf("the first variable is %+v", v)
	}
	m := documented(t)
	for _, v := range board.Templating.List[1:] {
		m.wantKnown(t, "variable "+v.Name, v.Definition)
	}
	ids, taken, rows := map[int]bool{}, map[[2]int]string{}, ""
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.H == 0 {
			t.Errorf("panel %+v", p)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if taken[at] != "" {
					t.Fatalf("%q lies on %q", p.Title, taken[at])
				}
				taken[at] = p.Title
			}
		}
		if p.Type == "row" {
			rows += p.Title + "; "
			continue
		}
		if len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("panel %+v", p)
		}
		refs := map[string]bool{}
		for _, target := range p.Targets {
			if refs[target.RefID] || target.Datasource.UID != "${datasource}" {
				t.Errorf("%s: target %+v", p.Title, target)
			}
			refs[target.RefID] = true
			m.wantKnown(t, p.Title, target.Expr)
			if strings.Count(target.Expr, `job=~"$job", instance=~"$instance"`) != len(selector.FindAllString(target.Expr, -1)) {
				t.Errorf("%s: not all of %s is about the replicas that were chosen", p.Title, target.Expr)
			}
		}
	}
	if rows != "Overview; Traffic; Latency; Logins and hashing; Tokens; Database; Revocations and tasks; Keys and clocks; Process; " {
		t.Errorf("rows %q", rows)
	}
}
