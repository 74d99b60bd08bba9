package server

var Unregistered = unregistered
