package config

// TooOpen is whether others may read a file of that mode.
var TooOpen = tooOpen
