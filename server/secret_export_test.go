package server

// Miscopied is what is asked of a secret before the database is.
var Miscopied = miscopied
