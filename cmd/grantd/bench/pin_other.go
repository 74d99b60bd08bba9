//go:build !linux

package bench

import (
	"os/exec"
	"syscall"
)

// Elsewhere than on Linux processes cannot be held to processors: server and load share them all.

func processors() ([]int, error) { return nil, nil }

func startOn(_ []int, cmd *exec.Cmd) error { return cmd.Start() }

func moveTo([]int) error { return nil }

// endsWithUs cannot be had: a server outlives this process if that is killed.
func endsWithUs() *syscall.SysProcAttr { return nil }
