//go:build race

package main

// manyConnections are fewer under the race detector, which bears 8,128 goroutines.
const manyConnections = 3_000
