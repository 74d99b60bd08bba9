//go:build !linux

package main

import "os"

// ownProgram is the path of this program.
func ownProgram() string {
	path, _ := os.Executable() // without one the process does not start, which is said then
	return path
}

// lowPriority lowers nothing: the process that hashes has the same priority as the server.
func lowPriority() func() { return func() {} }
