package pgtest

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

const remedy = `run "make tools", or install the packages postgresql and pgbouncer`

// find returns the path of a program of PostgreSQL, all of which come from one folder.
func find(program string) (string, error) {
	for _, dir := range binDirs() {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no %s: %s", program, remedy)
}

// binDirs is the folder of PATH that has the server or, as Debian keeps the server out of PATH,
// the folders of its versions, the newest first.
func binDirs() []string {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil { // to where the others are, too
			return []string{filepath.Dir(path)}
		}
	}
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	version := func(dir string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		return n
	}
	slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
	return dirs
}

// findBouncer looks into /usr/sbin, too, which is not in everybody's PATH.
func findBouncer() (string, error) {
	if path, err := exec.LookPath("pgbouncer"); err == nil {
		return path, nil
	}
	const path = "/usr/sbin/pgbouncer"
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("no pgbouncer: %s", remedy)
	}
	return path, nil
}
