package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for what should come at once.
const patience = 60 * time.Second

// The users of each cluster. role owns the databases of tests.
const (
	superuser = "postgres"
	role      = "grantd"
)

// Options of a cluster.
type Options struct {
	// Settings are lines of postgresql.conf.
	Settings map[string]string
	// MaxConnections is how many clients may connect. Zero means PostgreSQL's 100, of which three
	// are kept for the superuser.
	MaxConnections int
	// NoSync turns fsync off: what was committed survives a crash of the server but not of the
	// machine.
	NoSync bool
}

// Cluster is a PostgreSQL server and its data. Its methods end the test at a failure. Those that
// start and stop it are for one goroutine at a time.
type Cluster struct {
	t        testing.TB // nil for the shared cluster, of which only database is used
	dir      string
	port     int
	password string
	proc     *process
}

// Start starts a cluster of its own for a test that stops or breaks it. It ends with the test.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c, err := create(o)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	c.t = t
	t.Cleanup(c.remove)
	c.must(c.start())
	return c
}

// create makes the data of a cluster.
func create(o Options) (*Cluster, error) {
	dir, err := folder("postgres")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, password: rand.Text()}
	secret := filepath.Join(dir, "password")
	if err := write(secret, c.password); err != nil {
		return nil, err
	}
	if err := run(dir, "initdb", "--no-sync", "--no-instructions", "--username", superuser,
		"--auth", "scram-sha-256", "--pwfile", secret, "--encoding", "UTF8", "--locale", "C",
		"--locale-provider", "icu", "--icu-locale", "en-US", c.data()); err != nil {
		return nil, err
	}
	return c, c.configure(o)
}

// configure appends to postgresql.conf, where the last of two equal settings counts.
func (c *Cluster) configure(o Options) error {
	settings := map[string]string{
		"listen_addresses":           "127.0.0.1",
		"unix_socket_directories":    "",
		"dynamic_shared_memory_type": "mmap", // in the data folder: a crash leaves nothing in /dev/shm
		"wal_keep_size":              "256MB",
	}
	if o.MaxConnections != 0 {
		settings["max_connections"] = strconv.Itoa(o.MaxConnections)
	}
	if o.NoSync {
		settings["fsync"] = "off"
		settings["full_page_writes"] = "off"
	}
	maps.Copy(settings, o.Settings)
	conf, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(conf, "%s = '%s'\n", name, strings.ReplaceAll(settings[name], "'", "''"))
	}
	return conf.Close()
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// start starts the server for the first time.
func (c *Cluster) start() error {
	if err := c.bootAnywhere(); err != nil {
		return err
	}
	return c.exec(context.Background(), "CREATE ROLE "+role+" LOGIN PASSWORD '"+c.password+"'")
}

// URL returns the URL of a database for the user who owns the databases of tests.
func (c *Cluster) URL(name string) string { return c.url(role, name) }

// AdminURL returns the URL of a database for the superuser.
func (c *Cluster) AdminURL(name string) string { return c.url(superuser, name) }

func (c *Cluster) url(user, name string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, c.password), Host: address(c.port),
		Path: "/" + name, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// CreateDatabase returns the URL of a new, empty database, which is dropped at the end of the test.
func (c *Cluster) CreateDatabase() string {
	c.t.Helper()
	return c.database(c.t)
}

// Exec runs a statement as the superuser, for what a test wants to change.
func (c *Cluster) Exec(sql string) {
	c.t.Helper()
	c.must(c.exec(context.Background(), sql)) // works in a Cleanup, too
}

func (c *Cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("pgtest: %v", err)
	}
}
