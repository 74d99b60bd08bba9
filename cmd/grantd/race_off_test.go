//go:build !race

package main

const manyConnections = 10_000
