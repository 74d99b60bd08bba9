package main

import (
	"path/filepath"
	"testing"
	"time"
)

// One server, as SQLite allows no more, whose disk is full for a while.
func TestSoakFullDisk(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	dir := smallDisk(t, 32<<20)
	database := "sqlite:" + filepath.Join(dir, "grantd.db")
	s.start(database, database)
	s.run(t, scenario{fault: func(s *scene) {
		p := s.list[0].process.Load()
		disk, err := fillDisk(s.t, dir, p)
		if err != nil {
			s.t.Logf("instead a limit on file sizes: %v", err)
			disk, err = forbidWrites(s.t, dir, p)
		}
		if err == nil {
			err = disk.begin()
		}
		if err != nil {
			s.t.Error(err)
			return
		}
		time.Sleep(s.either(time.Second, 10*time.Second))
		if err := disk.end(); err != nil {
			s.t.Error(err)
		}
	}})
	s.end()
}
