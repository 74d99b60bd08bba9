//go:build !linux

package main

import "testing"

// onProcessors calls start. Only Linux can keep processes on some processors.
func onProcessors(_ testing.TB, _ int, start func()) { start() }
