package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/grantd/grantd/store/storetest/pgtest"
)

// point is a load of "grantd bench", and what it reported.
type point struct {
	Series         string `json:"series"` // what grows; "base" belongs to every series
	Database       string `json:"database"`
	Authorizations int    `json:"authorizations"`
	Clients        int    `json:"clients"`
	Connections    int    `json:"connections"`
	TLS            bool   `json:"tls"`
	Cores          int    `json:"cores"` // of the server and of PostgreSQL. The load has the others, or shares all.

	Report json.RawMessage `json:"report,omitempty"`
}

// String names a point after what it differs in from the others of its database.
func (p point) String() string {
	switch p.Series {
	case "authorizations":
		return fmt.Sprintf("%s/authorizations-%d", p.Database, p.Authorizations)
	case "clients":
		return fmt.Sprintf("%s/clients-%d", p.Database, p.Clients)
	case "connections":
		return fmt.Sprintf("%s/connections-%d", p.Database, p.Connections)
	}
	return p.Database + "/" + p.Series
}

// points are the series on a database, of which each changes one thing about the base. The largest come last: what they
// leave to be done in the background disturbs no other.
func points(database string) []point {
	base := point{Series: "base", Database: database, Authorizations: 10_000, Clients: 10, Connections: 16, Cores: 1}
	all := []point{base}
	vary := func(series string, change func(*point)) {
		p := base
		p.Series = series
		change(&p)
		all = append(all, p)
	}
	vary("tls", func(p *point) { p.TLS = true })
	vary("cores", func(p *point) { p.Cores = 2 })
	vary("clients", func(p *point) { p.Clients = 10_000 })
	for _, n := range []int{1, 256, 4096} {
		vary("connections", func(p *point) { p.Connections = n })
	}
	for _, n := range []int{1_000, 100_000, 10_000_000} {
		vary("authorizations", func(p *point) { p.Authorizations = n })
	}
	return all
}

// BenchmarkSeries loads servers that have ever more to do with, by "grantd bench", each on an empty database. What
// GRANTD_SERIES names is a file of JSON lines, to which "make growth" adds the points that it lacks; without it the loads
// are too short to say much.
func BenchmarkSeries(b *testing.B) {
	s := &series{b: b, file: os.Getenv("GRANTD_SERIES"), clusters: map[int]*pgtest.Cluster{}}
	s.read()
	for _, database := range []string{"sqlite", "postgres"} {
		for _, p := range points(database) {
			b.Run(p.String(), func(b *testing.B) { s.measure(b, p) })
		}
	}
}

// BenchmarkProfiles takes profiles of each operation, on both databases, into folders of what GRANTD_PROFILES names.
func BenchmarkProfiles(b *testing.B) {
	s := &series{b: b, clusters: map[int]*pgtest.Cluster{}}
	into := cmp.Or(os.Getenv("GRANTD_PROFILES"), b.TempDir())
	for _, database := range []string{"sqlite", "postgres"} {
		b.Run(database, func(b *testing.B) {
			folder := filepath.Join(into, database)
			if err := os.MkdirAll(folder, 0o755); err != nil {
				b.Fatal(err)
			}
			s.bench(b, points(database)[0], "--profiles", folder, "--for", cmp.Or(os.Getenv("GRANTD_SERIES_FOR"), "1s"))
		})
	}
}

// series is the file of points, and what they are measured on.
type series struct {
	b        *testing.B
	file     string // empty: none
	known    []point
	clusters map[int]*pgtest.Cluster // by the number of processors they have
}

// chainsMost is how many authorizations are refreshed in turn: more than any cache of pages holds.
const chainsMost = 20_000

func (s *series) measure(b *testing.B, p point) {
	at := slices.IndexFunc(s.known, func(k point) bool { return k.String() == p.String() })
	if at >= 0 && os.Getenv("GRANTD_SERIES_AGAIN") == "" {
		b.Log("is in the file")
		return
	}
	args := []string{"--for", "100ms", "--operation", "refresh"}
	if s.file != "" {
		args = s.load(p)
	} else {
		p.Authorizations = max(int(float64(p.Authorizations)*seriesScale(b)), 1)
	}
	p.Report = s.bench(b, p, args...)
	if at >= 0 {
		s.known[at] = p
	} else {
		s.known = append(s.known, p)
	}
	s.write()
}

// load says how much of a point is measured. The base has all operations, for what they reach of the limit, and more time,
// since passwords take theirs. They would hide what grows elsewhere.
func (s *series) load(p point) []string {
	each, err := time.ParseDuration(cmp.Or(os.Getenv("GRANTD_SERIES_FOR"), "1500ms"))
	if err != nil {
		s.b.Fatal("GRANTD_SERIES_FOR:", err)
	}
	args := []string{"--runs", cmp.Or(os.Getenv("GRANTD_SERIES_RUNS"), "3")}
	if p.Series == "base" {
		return append(args, "--for", (2 * each).String())
	}
	return append(args, "--for", each.String(), "--operation", "refresh,client_credentials,introspect,me")
}

func seriesScale(b *testing.B) float64 {
	scale, err := strconv.ParseFloat(cmp.Or(os.Getenv("GRANTD_SCALE"), "0.001"), 64)
	if err != nil {
		b.Fatal("GRANTD_SCALE:", err)
	}
	return scale
}

// bench runs "grantd bench" and gives its report. GRANTD_BINARY is the grantd that is measured; this test is one,
// too, but is not built like those that people run.
func (s *series) bench(b *testing.B, p point, args ...string) json.RawMessage {
	b.Helper()
	args = append([]string{
		"bench", "--output", "json", "--authorizations", strconv.Itoa(p.Authorizations), "--clients", strconv.Itoa(p.Clients),
		"--connections", strconv.Itoa(p.Connections), "--cores", strconv.Itoa(p.Cores), "--chains", strconv.Itoa(min(p.Authorizations, chainsMost)),
	}, args...)
	if p.TLS {
		args = append(args, "--tls")
	}
	cmd := exec.CommandContext(b.Context(), cmp.Or(os.Getenv("GRANTD_BINARY"), "grantd"), args...)
	cmd.Env = append(settings(), "TMPDIR="+b.TempDir())
	if p.Database == "postgres" {
		cmd.Env = append(cmd.Env, benchDatabase+"="+s.cluster(p.Cores).CreateDatabase())
	}
	var out, report bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	start := time.Now()
	err := cmd.Run()
	b.Logf("took %v", time.Since(start).Round(time.Second))
	if json.Compact(&report, out.Bytes()) != nil || report.Len() == 0 {
		b.Fatal("there is no report:", err)
	}
	if err != nil {
		b.Error("requests failed:", err) // the report says which
	}
	return report.Bytes()
}

// cluster is a PostgreSQL on as many processors as the server has: the limit of a refresh counts what both of them take.
// Nothing of it runs in the background that a point would leave to the next.
func (s *series) cluster(cores int) *pgtest.Cluster {
	if s.clusters[cores] == nil {
		onProcessors(s.b, cores, func() {
			s.clusters[cores] = pgtest.Start(s.b, pgtest.Options{Settings: map[string]string{
				"max_wal_size": "8GB", "checkpoint_timeout": "1h", "autovacuum": "off", "shared_buffers": "1GB",
			}})
		})
	}
	return s.clusters[cores]
}

func (s *series) read() {
	if s.file == "" {
		return
	}
	text, err := os.ReadFile(s.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.b.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var p point
		if err := json.Unmarshal(line, &p); err != nil {
			s.b.Fatalf("%s: %v", s.file, err)
		}
		s.known = append(s.known, p)
	}
}

func (s *series) write() {
	if s.file == "" {
		return
	}
	var text bytes.Buffer
	for _, p := range s.known {
		if err := json.NewEncoder(&text).Encode(p); err != nil {
			s.b.Fatal(err)
		}
	}
	if err := os.WriteFile(s.file, text.Bytes(), 0o644); err != nil {
		s.b.Fatal(err)
	}
}
