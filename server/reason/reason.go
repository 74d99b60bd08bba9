// Package reason names why requests are refused: one stable word for each thing that can be wrong, with what
// happened and how to mend it. Callers are told an RFC's error code, of which one stands for many
// reasons; the words are for the operator, in the log, the audit and "grantd explain".
package reason

import "strings"

// Word is the stable name of a reason, such as redirect_uri_unregistered. Programs may compare it.
type Word string

// Entry is what is known of a reason before any request.
type Entry struct {
	Word Word
	// Answers are what callers are told: statuses with error codes, such as "400 invalid_grant". A caller that is
	// told by a redirect, or by a form that is shown again, sees the code or its words alone.
	Answers []string
	// What happened, in a sentence or two.
	What string
	// Fix is how to mend it. {client}, {user} and {grant} stand for the ids of the request's own.
	Fix string
}

// Group is a part of the table, under a title of its own in the documents.
type Group struct {
	Title   string
	Entries []Entry
}

// Groups are all reasons, in the order in which a request is checked.
func Groups() []Group {
	return []Group{
		{"The request", requestEntries}, {"The client", clientEntries}, {"Scopes and audiences", scopeEntries},
		{"Users and passwords", userEntries}, {"Authorization requests", authorizeEntries}, {"Codes and PKCE", codeEntries},
		{"Refresh tokens", refreshEntries}, {"Access tokens at a resource", tokenEntries}, {"Pages and the resource router", pageEntries},
		{"Limits and faults", faultEntries},
	}
}

// Find gives the entry of a word.
func Find(word Word) (Entry, bool) {
	for _, g := range Groups() {
		for _, e := range g.Entries {
			if e.Word == word {
				return e, true
			}
		}
	}
	return Entry{}, false
}

// OfCode gives the entries whose callers are told an error code.
func OfCode(code string) (entries []Entry) {
	for _, g := range Groups() {
		for _, e := range g.Entries {
			if e.Tells(code) {
				entries = append(entries, e)
			}
		}
	}
	return entries
}

// Tells is whether an error code is among the answers.
func (e Entry) Tells(code string) bool {
	for _, answer := range e.Answers {
		if _, told, _ := strings.Cut(answer, " "); told == code {
			return true
		}
	}
	return false
}

// Fill puts ids in the places of the fix. What is not known stays a word in capitals.
func (e Entry) Fill(client, user, grant string) string {
	or := func(id, word string) string {
		if id == "" {
			return word
		}
		return id
	}
	return strings.NewReplacer("{client}", or(client, "CLIENT"), "{user}", or(user, "USER"), "{grant}", or(grant, "GRANT")).Replace(e.Fix)
}

// is makes an entry; its answers are parted by commas.
func is(word Word, answers, what, fix string) Entry {
	return Entry{word, strings.Split(answers, ", "), what, fix}
}
