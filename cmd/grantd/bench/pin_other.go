//go:build !linux

package bench

import (
	"os/exec"
	"runtime"
)

// Elsewhere than on Linux processes cannot be held to processors: server and load share them all.

func processors() ([]int, error) { return make([]int, runtime.NumCPU()), nil }

func startOn(_ []int, cmd *exec.Cmd) error { return cmd.Start() }

func moveTo([]int) error { return nil }
