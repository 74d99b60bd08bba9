package pgtest

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// Whoever takes the port that we have found free, we look for another.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()

	c, err := create(Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.t, c.port = t, port
	t.Cleanup(c.remove)
	if err := c.boot(); !errors.Is(err, errPortTaken) {
		t.Errorf("PostgreSQL: %v", err)
	}

	bin, err := findBouncer()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := folder("pgbouncer")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	ini := filepath.Join(dir, "pgbouncer.ini")
	text := "[databases]\n[pgbouncer]\nlisten_addr = 127.0.0.1\nunix_socket_dir =\nlisten_port = " + strconv.Itoa(port) + "\n"
	if err := write(ini, text); err != nil {
		t.Fatal(err)
	}
	if err := startBouncer(t, bin, dir, ini, c.URL("any")); !errors.Is(err, errPortTaken) {
		t.Errorf("PgBouncer: %v", err)
	}
}
