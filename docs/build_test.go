package docs_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// builtOf is the commit that the builds of the test are told.
const builtOf = "0123456789abcdef0123456789abcdef01234567"

// "make build" gives the same bytes in two folders, whatever the machine's settings. With GRANTD_EMPTY_CACHES each
// has a cache of its own, and everything is compiled twice: "make reproducible".
func TestBuildIsReproducible(t *testing.T) {
	t.Parallel()
	one := makeBuild(t, "one", "GOFLAGS=-buildvcs=true", "TZ=UTC")
	other := makeBuild(t, "another/place", "GOFLAGS=-mod=mod", "TZ=Asia/Tokyo", "LC_ALL=C", "USER=somebody")
	if !bytes.Equal(one, other) {
		t.Errorf("two builds of the same source differ, one has %d bytes, the other %d", len(one), len(other))
	}
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{t.Name(), strings.TrimSpace(string(cache)) + "/"} { // the first is in the folder's name
		if bytes.Contains(one, []byte(place)) {
			t.Errorf("the binary tells that it was built in %s", place)
		}
	}
}

// makeBuild copies the sources to a folder of that name, without the history, as the build of an image has them, and gives the program.
func makeBuild(t *testing.T, name string, environ ...string) []byte {
	t.Helper()
	root := t.TempDir()
	folder := filepath.Join(root, name)
	copySources(t, folder)
	cmd := exec.CommandContext(t.Context(), "make", "-s", "build", "COMMIT="+builtOf)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), environ...)
	if os.Getenv("GRANTD_EMPTY_CACHES") != "" {
		cmd.Env = append(cmd.Env, "GOCACHE="+filepath.Join(root, "cache"))
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make build: %v\n%s", err, out)
	}
	program := filepath.Join(folder, "grantd")
	if out, err := exec.Command(program, "version").Output(); err != nil || !strings.HasSuffix(string(out), "+"+builtOf[:12]+"\n") {
		t.Errorf("grantd version: %q, %v; it was built from %s", out, err, builtOf)
	}
	return []byte(read(t, program))
}

// The image is built by what its Dockerfile runs, and gets what that made.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	folder, out := t.TempDir(), t.TempDir()
	copySources(t, folder)
	dockerfile := strings.ReplaceAll(read(t, "../Dockerfile"), "/out/", out+"/")
	var made []string
	for line := range strings.Lines(dockerfile) {
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "RUN make "):
			cmd := exec.CommandContext(t.Context(), "sh", "-ec", strings.TrimPrefix(line, "RUN "))
			cmd.Dir, cmd.Env = folder, append(os.Environ(), "COMMIT="+builtOf)
			if said, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s%v\n%s", line, err, said)
			}
		case strings.HasPrefix(line, "COPY --from=build "):
			made = append(made, words[len(words)-2])
		}
	}
	if len(made) < 2 {
		t.Errorf("the image gets %q of what was built", made)
	}
	for _, path := range append(made, out+"/doc/grantd.cdx.json", out+"/doc/THIRD-PARTY.txt") {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the image wants what nobody made: %v", err)
		}
	}
}

// copySources copies what an image is built from.
func copySources(t *testing.T, to string) {
	t.Helper()
	passedOver := []string{".git", ".ci", "dist", "node_modules", "screenshots"}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(passedOver, d.Name()):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, path[2:]), 0o755)
		case d.Name() == "grantd" || !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path[2:]), text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
