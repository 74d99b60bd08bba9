package server

var (
	Unregistered = unregistered
	Difference   = difference
)
