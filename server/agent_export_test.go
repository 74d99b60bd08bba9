package server

// AgentWords are a User-Agent in words.
var AgentWords = agentWords
