package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"unsafe"
)

// fault is trouble with the disk under a running server.
type fault struct{ begin, end func() error }

// Where a system refuses to make a fault to order, such as a container without
// privileges, the limit on file sizes stands in: every write fails then.
func TestFaultsOfTheDisk(t *testing.T) {
	for _, c := range []struct {
		name string
		disk func(t *testing.T) string
		make func(t *testing.T, dir string, s *process) (fault, error)
	}{
		{"no file may be written", (*testing.T).TempDir, forbidWrites},
		{"the database turns read-only", (*testing.T).TempDir, makeReadOnly},
		{"the disk is full", func(t *testing.T) string { return smallDisk(t, 2<<20) }, fillDisk},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := c.disk(t)
			s := start(t, "dev", "--database", "sqlite:"+filepath.Join(dir, "grantd.db"), "--issuer", "http://localhost")
			f, err := c.make(t, dir, s)
			if err != nil {
				t.Logf("instead a limit on file sizes: %v", err)
				f, err = forbidWrites(t, dir, s)
			}
			if err != nil {
				t.Fatal(err)
			}
			throughFault(t, dir, s, f)
		})
	}
}

// throughFault wants clear refusals while the fault lasts, tokens that are out to
// work on, and nothing lost afterwards.
func throughFault(t *testing.T, dir string, s *process, f fault) {
	t.Helper()
	kept, gone := login(t, s, "ann"), login(t, s, "bob")
	wantStatus(t, "revoke", s.post("/revoke", form("client_id", "dev", "token", gone.Refresh)), 200)
	if err := f.begin(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.end() })
	// What still fits is answered, and counts.
	var a answer
	eventually(t, "a refresh is refused", func() bool {
		if a = refresh(s, kept.Refresh); a.status == 200 {
			kept = tokensOf(t, a)
		}
		return a.status != 200
	})
	for what, a := range map[string]answer{
		"refresh": a,
		"login":   s.post("/token", form("grant_type", "password", "username", "ann", "password", password)),
		"revoke":  s.post("/revoke", form("client_id", "dev", "token", kept.Refresh)),
		"sign up": s.post("/users/", form("username", "kim", "password", password)),
	} {
		wantStatus(t, what, a, 503, `"temporarily_unavailable"`)
		if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 {
			t.Errorf("%s: Retry-After %q", what, a.header.Get("Retry-After"))
		}
	}
	wantStatus(t, "readyz", s.readyz(), 503, "the database cannot be reached or written; the log says why")
	wantStatus(t, "healthz", s.send("GET", s.Ops+"/healthz", "", nil), 200)
	wantStatus(t, "a token that is out", s.get("/status/", kept.Access), 200)
	wantStatus(t, "a revoked one", s.get("/status/", gone.Access), 401)

	if err := f.end(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is ready again", func() bool { return s.readyz().status == 200 })
	wantAllKept(t, s, kept, gone)
	s.kill()
	s = start(t, "dev", "--database", "sqlite:"+filepath.Join(dir, "grantd.db"), "--issuer", "http://localhost")
	wantAllKept(t, s, kept, gone)
	s.mustStop(t)
}

func wantAllKept(t *testing.T, s *process, kept, gone tokens) {
	t.Helper()
	wantStatus(t, "refresh with the last token given", refresh(s, kept.Refresh), 200, `"refresh_token"`)
	wantStatus(t, "the revoked one", refresh(s, gone.Refresh), 400, "invalid_grant")
	wantStatus(t, "its access token", s.get("/status/", gone.Access), 401)
	wantStatus(t, "the access token", s.get("/users/me/", kept.Access), 200)
}

// smallDisk is a folder on a file system of its own, where one can be mounted.
func smallDisk(t *testing.T, size int) string {
	dir := t.TempDir()
	if syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size)) == nil {
		t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	}
	return dir
}

func forbidWrites(_ *testing.T, _ string, s *process) (fault, error) {
	limit := func(soft uint64) func() error {
		return func() error {
			size := syscall.Rlimit{Cur: soft, Max: math.MaxUint64}
			_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(s.cmd.Process.Pid), syscall.RLIMIT_FSIZE,
				uintptr(unsafe.Pointer(&size)), 0, 0, 0)
			if errno != 0 {
				return errno
			}
			return nil
		}
	}
	return fault{limit(0), limit(math.MaxUint64)}, nil
}

// makeReadOnly makes the files immutable. That stops root too, and writes
// through files that are open already, on file systems that know it well.
func makeReadOnly(t *testing.T, dir string, _ *process) (fault, error) {
	change := func(mode string) func() error {
		return func() error {
			return exec.Command("chattr", mode, filepath.Join(dir, "grantd.db"), filepath.Join(dir, "grantd.db-wal")).Run()
		}
	}
	probe, err := os.Create(filepath.Join(dir, "probe"))
	if err != nil {
		return fault{}, err
	}
	defer probe.Close()
	if err := exec.Command("chattr", "+i", probe.Name()).Run(); err != nil {
		return fault{}, err
	}
	_, written := probe.WriteString("x")
	if err := exec.Command("chattr", "-i", probe.Name()).Run(); err != nil {
		t.Fatal(err)
	}
	if written == nil {
		return fault{}, errors.New("an immutable file can still be written")
	}
	return fault{change("+i"), change("-i")}, nil
}

// fillDisk needs a small disk to fill.
func fillDisk(t *testing.T, dir string, _ *process) (fault, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		t.Fatal(err)
	}
	if size := int64(disk.Blocks) * disk.Bsize; size > 64<<20 {
		return fault{}, errors.New("no small disk could be mounted")
	}
	ballast := filepath.Join(dir, "ballast")
	fill := func() error {
		f, err := os.Create(ballast)
		if err != nil {
			return err
		}
		defer f.Close()
		for chunk := make([]byte, 4096); err == nil; {
			_, err = f.Write(chunk)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		return nil
	}
	return fault{fill, func() error { return os.RemoveAll(ballast) }}, nil
}

// A database that the user of the program may not write: root, whom no mode
// stops, becomes nobody for it.
func TestUnwritableDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "grantd.db")
	mustRun(t, "", "migrate", "--database", "sqlite:"+path)
	program, err := exec.LookPath("grantd")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		os.Remove(path+".lock"),
		os.Chmod(path, 0o444), os.Chmod(dir, 0o555), os.Chmod(filepath.Dir(dir), 0o755),
		os.Chmod(filepath.Dir(program), 0o755), os.Chmod(filepath.Dir(filepath.Dir(program)), 0o755),
	); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	for _, args := range [][]string{
		{"user", "list"},
		{"client", "add", "app", "--public", "--grants", "password"},
		{"migrate"},
		{"dev", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"},
	} {
		cmd := exec.Command(program, append(args, "--database", "sqlite:"+path)...)
		cmd.Env = settings("GRANTD_MASTER_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
		if os.Geteuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		status, _, stderr := runCommand(t, cmd, "")
		wantFailure(t, status, stderr, path, "the database may not be written; let grantd's user write the file and its folder")
	}
}
