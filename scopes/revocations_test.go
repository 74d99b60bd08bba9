package scopes_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
)

const listURL = issuer + "/revocations"

func listOf(entries ...scopes.Revocation) scopes.RevocationList {
	return scopes.RevocationList{
		Issuer: issuer, URL: listURL, IssuedAt: now, ExpiresAt: now.Add(3 * time.Minute), TTL: 5 * time.Second,
		Revoked: scopes.NewRevocations(entries...),
	}
}

func readList(t testing.TB, text string) scopes.RevocationList {
	t.Helper()
	var l scopes.RevocationList
	if err := l.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatalf("%v in %.200s", err, text)
	}
	return l
}

func printList(l scopes.RevocationList) string { return string(must(l.MarshalJSON())) }

// many has n tokens, and as many subjects as a tenth of them.
func many(n int) []scopes.Revocation {
	entries := make([]scopes.Revocation, 0, n+n/10)
	for i := range n {
		entries = append(entries, scopes.RevokedToken(fmt.Sprint("many-", i)))
	}
	for i := range n / 10 {
		entries = append(entries, scopes.RevokedSubject(fmt.Sprint("many-", i), now))
	}
	return entries
}

func TestRevokes(t *testing.T) {
	token := func(change func(*scopes.Claims)) *scopes.Claims {
		c := &scopes.Claims{ID: "j-1", GrantID: "g-1", Subject: "u-1", ClientID: "dev", IssuedAt: now}
		change(c)
		return c
	}
	same := token(func(*scopes.Claims) {})
	for _, c := range []struct {
		name    string
		revoked scopes.Revocation
		token   *scopes.Claims
		want    bool
	}{
		{"the token", scopes.RevokedToken("j-1"), same, true},
		{"another token", scopes.RevokedToken("j-2"), same, false},
		{"a token named like the authorization", scopes.RevokedToken("g-1"), same, false},
		{"its authorization", scopes.RevokedGrant("g-1"), same, true},
		{"another authorization", scopes.RevokedGrant("g-2"), same, false},
		{"an authorization named like the token", scopes.RevokedGrant("j-1"), same, false},
		{"a token without an authorization", scopes.RevokedGrant(""), token(func(c *scopes.Claims) { c.GrantID = "" }), false},
		{"its subject", scopes.RevokedSubject("u-1", now), same, true},
		{"its subject, in the same second", scopes.RevokedSubject("u-1", now.Add(-time.Nanosecond).Add(time.Second)), same, true},
		{"its subject, a second before it was issued", scopes.RevokedSubject("u-1", now.Add(-time.Second)), same, false},
		{"its subject, and it is old", scopes.RevokedSubject("u-1", now), token(func(c *scopes.Claims) { c.IssuedAt = now.Add(-time.Hour) }), true},
		{"another subject", scopes.RevokedSubject("u-2", now), same, false},
		{"a subject named like its client", scopes.RevokedSubject("dev", now), same, false},
		{"its client", scopes.RevokedClient("dev", now), same, true},
		{"its client, before it was issued", scopes.RevokedClient("dev", now.Add(-time.Second)), same, false},
		{"another client", scopes.RevokedClient("app", now), same, false},
		{"a client named like its subject", scopes.RevokedClient("u-1", now), same, false},
		{"a date before 1970", scopes.RevokedClient("dev", time.Time{}), same, false},
		{"a date that is too late to be one", scopes.RevokedClient("dev", time.Unix(math.MaxInt64, 0)), same, true},
	} {
		made := scopes.NewRevocations(append(many(50), c.revoked)...)
		if got := made.Revokes(c.token); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		read := readList(t, printList(listOf(append(many(50), c.revoked)...)))
		if got := read.Revoked.Revokes(c.token); got != c.want {
			t.Errorf("%s, read from a list: %v, want %v", c.name, got, c.want)
		}
	}
}

// The same content is the same list, in whatever order and how often it was put in.
func TestNewRevocations(t *testing.T) {
	early, late := scopes.RevokedClient("dev", now.Add(-time.Hour)), scopes.RevokedClient("dev", now)
	one := listOf(scopes.RevokedToken("a"), late, scopes.RevokedGrant("b"), scopes.RevokedToken("a"), early)
	two := listOf(early, scopes.RevokedGrant("b"), late, scopes.RevokedToken("a"), late)
	if printList(one) != printList(two) || one.Revoked.Len() != 3 {
		t.Errorf("%d entries in %s\nand %s", one.Revoked.Len(), printList(one), printList(two))
	}
	if !one.Revoked.Revokes(&scopes.Claims{ClientID: "dev", IssuedAt: now}) {
		t.Error("the earlier of two dates counts")
	}
	if printList(listOf(early)) == printList(listOf(late)) || early == late || early != scopes.RevokedClient("dev", now.Add(-time.Hour)) {
		t.Error("revocations do not compare by what they revoke")
	}
}

// What docs say of the format: the marks are checked by hand, with sha256sum and base64.
func TestRevocationListText(t *testing.T) {
	for want, l := range map[string]scopes.RevocationList{
		`{"iss":"https://auth.example.com","sub":"https://auth.example.com/revocations","iat":1782907200,"exp":1782907380,"ttl":5,` +
			`"revoked":{"tokens":"uUKgIglv9D7vgRN066xWyQ","before":"dDVfQrKwNz0AAAAAakUBQHbz8zJ15ggbAAAAAGpFAUA"}}`: listOf(
			scopes.RevokedToken("j-1"), scopes.RevokedGrant("g-1"), scopes.RevokedSubject("u-1", now), scopes.RevokedClient("dev", now)),
		`{"iss":"https://auth.example.com","sub":"https://auth.example.com/revocations","iat":1782907200,"exp":1782907380,"ttl":5,` +
			`"revoked":{}}`: listOf(),
	} {
		if got := printList(l); got != want {
			t.Errorf("printed\n%s, want\n%s", got, want)
		}
		if got := string(must(json.Marshal(l))); got != want {
			t.Errorf("encoding/json prints %s", got)
		}
		read := readList(t, want)
		if printList(read) != want || !read.IssuedAt.Equal(l.IssuedAt) || !read.ExpiresAt.Equal(l.ExpiresAt) || read.TTL != l.TTL || read.Issuer != l.Issuer || read.URL != l.URL {
			t.Errorf("read back as %+v", read)
		}
		var again scopes.RevocationList
		if err := json.Unmarshal([]byte(" "+want+"\n"), &again); err != nil || printList(again) != want {
			t.Errorf("encoding/json: error %v, %+v", err, again)
		}
		var content scopes.Revocations
		if err := json.Unmarshal(must(json.Marshal(l.Revoked)), &content); err != nil || content.Len() != l.Revoked.Len() {
			t.Errorf("the content alone: error %v, %d entries", err, content.Len())
		}
	}
}

// bytes64 is the base64url of entries of eight bytes.
func bytes64(values ...uint64) string {
	var b []byte
	for _, v := range values {
		b = append(b, byte(v>>56), byte(v>>48), byte(v>>40), byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func TestWhatIsNoRevocationList(t *testing.T) {
	const (
		head = `{"iss":"i","sub":"u","iat":1,"exp":2`
		date = uint64(1782907200)
	)
	revoked := func(members string) string { return head + `,"revoked":{` + members + `}}` }
	tokens := func(text string) string { return revoked(`"tokens":"` + text + `"`) }
	before := func(text string) string { return revoked(`"before":"` + text + `"`) }
	for name, good := range map[string]string{
		"no entries":         head + `,"revoked":{}}`,
		"empty":              revoked(`"tokens":"","before":""`),
		"sorted":             tokens(bytes64(0, 1, math.MaxUint64)),
		"sorted dates":       before(bytes64(0, 1, 1, 1, 2, date)),
		"unknown members":    head + `,"IAT":"x","x":[{"}":"{"},"\"\\",null],"revoked":{"x":{"tokens":7},"Tokens":1}}`,
		"spaces":             strings.NewReplacer(":", " :\t", ",", "\r\n,").Replace(tokens(bytes64(1))),
		"an escaped name":    `{"\u0069ss":"i","sub":"u","iat":1,"exp":2,"revoked":{}}`,
		"a fraction":         `{"iss":"i","sub":"u","iat":1.9,"exp":2e0,"ttl":1.5,"revoked":{}}`,
		"the last date":      `{"iss":"i","sub":"u","iat":1,"exp":253402300799,"revoked":{}}`,
		"a day":              head + `,"ttl":86400,"revoked":{}}`,
		"as many members":    head + fillers(251) + `,"revoked":{}}`,
		"order of no import": `{"revoked":{"before":"","tokens":""},"exp":2,"iat":1,"sub":"u","iss":"i"}`,
	} {
		l := readList(t, good)
		if again := readList(t, printList(l)); printList(again) != printList(l) {
			t.Errorf("%s: %s is printed as %s", name, good, printList(l))
		}
	}
	for name, bad := range map[string]string{
		"nothing":                   ``,
		"no object":                 `[]`,
		"null":                      `null`,
		"half of it":                head,
		"more behind it":            head + `,"revoked":{}}{}`,
		"7519-4 iss twice":          head + `,"revoked":{},"iss":"i"}`,
		"7519-4 iss twice, escaped": head + `,"revoked":{},"is\u0073":"i"}`,
		"7519-4 unknown twice":      head + `,"revoked":{},"x":1,"x":1}`,
		"7519-4 tokens twice":       revoked(`"tokens":"","tokens":""`),
		"7519-4 revoked twice":      head + `,"revoked":{},"revoked":{}}`,
		"no iss":                    `{"sub":"u","iat":1,"exp":2,"revoked":{}}`,
		"empty iss":                 `{"iss":"","sub":"u","iat":1,"exp":2,"revoked":{}}`,
		"iss in capitals":           `{"ISS":"i","sub":"u","iat":1,"exp":2,"revoked":{}}`,
		"iss null":                  `{"iss":null,"sub":"u","iat":1,"exp":2,"revoked":{}}`,
		"iss a number":              `{"iss":1,"sub":"u","iat":1,"exp":2,"revoked":{}}`,
		"no sub":                    `{"iss":"i","iat":1,"exp":2,"revoked":{}}`,
		"no iat":                    `{"iss":"i","sub":"u","exp":2,"revoked":{}}`,
		"no exp":                    `{"iss":"i","sub":"u","iat":1,"revoked":{}}`,
		"no revoked":                head + `}`,
		"revoked null":              head + `,"revoked":null}`,
		"revoked an array":          head + `,"revoked":[]}`,
		"iat zero":                  `{"iss":"i","sub":"u","iat":0,"exp":2,"revoked":{}}`,
		"iat negative":              `{"iss":"i","sub":"u","iat":-1,"exp":2,"revoked":{}}`,
		"iat a text":                `{"iss":"i","sub":"u","iat":"1","exp":2,"revoked":{}}`,
		"exp null":                  `{"iss":"i","sub":"u","iat":1,"exp":null,"revoked":{}}`,
		"exp after the year 9999":   `{"iss":"i","sub":"u","iat":1,"exp":253402300800,"revoked":{}}`,
		"exp beyond numbers":        `{"iss":"i","sub":"u","iat":1,"exp":1e999,"revoked":{}}`,
		"ttl zero":                  head + `,"ttl":0,"revoked":{}}`,
		"ttl of a year":             head + `,"ttl":31536000,"revoked":{}}`,
		"too many members":          head + fillers(252) + `,"revoked":{}}`,
		"tokens null":               revoked(`"tokens":null`),
		"tokens a number":           revoked(`"tokens":1`),
		"tokens an object":          revoked(`"tokens":{}`),
		"out of order":              tokens(bytes64(2, 1)),
		"one twice":                 tokens(bytes64(1, 1)),
		"half an entry":             tokens(bytes64(1)[:8]),
		"seven bytes":               tokens(base64.RawURLEncoding.EncodeToString(make([]byte, 7))),
		"one letter":                tokens("A"),
		"padding":                   tokens(bytes64(1) + "="),
		"not the alphabet of URLs":  tokens("++++++++++8"),
		"bits left over":            tokens("AAAAAAAAAAB"),
		"an escape in base64":       tokens(`\u0041AAAAAAAAAA`),
		"a line break in base64":    tokens(`AAAA\nAAAAAA`),
		"dates out of order":        before(bytes64(2, date, 1, date)),
		"two dates":                 before(bytes64(1, date, 1, date+1)),
		"a date missing":            before(bytes64(1)),
		"date zero":                 before(bytes64(1, 0)),
		"date negative":             before(bytes64(1, math.MaxUint64)),
		"date after the year 9999":  before(bytes64(1, 253402300800)),
	} {
		kept := listOf(scopes.RevokedToken("kept"))
		if err := kept.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s: %s is read as %+v", name, bad, kept)
		}
		if kept.Issuer != issuer || kept.Revoked.Len() != 1 {
			t.Errorf("%s: what was refused changed the list", name)
		}
	}
	for _, bad := range []string{``, `null`, `{"tokens":"A"}`} {
		kept := scopes.NewRevocations(scopes.RevokedToken("kept"))
		if err := kept.UnmarshalJSON([]byte(bad)); err == nil || kept.Len() != 1 {
			t.Errorf("%s: error %v, %d entries", bad, err, kept.Len())
		}
	}
}

func fillers(n int) (members string) {
	for i := range n {
		members += fmt.Sprintf(`,"x%d":0`, i)
	}
	return members
}

// A list that no reader would take is not printed.
func TestRevocationListNotPrinted(t *testing.T) {
	for name, spoil := range map[string]func(*scopes.RevocationList){
		"no issuer":       func(l *scopes.RevocationList) { l.Issuer = "" },
		"no URL":          func(l *scopes.RevocationList) { l.URL = "" },
		"no content":      func(l *scopes.RevocationList) { l.Revoked = nil },
		"no IssuedAt":     func(l *scopes.RevocationList) { l.IssuedAt = time.Time{} },
		"ExpiresAt late":  func(l *scopes.RevocationList) { l.ExpiresAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"half a second":   func(l *scopes.RevocationList) { l.TTL = time.Second / 2 },
		"TTL negative":    func(l *scopes.RevocationList) { l.TTL = -time.Second },
		"TTL of two days": func(l *scopes.RevocationList) { l.TTL = 48 * time.Hour },
	} {
		l := listOf()
		spoil(&l)
		if text, err := l.MarshalJSON(); err == nil {
			t.Errorf("%s: printed %s", name, text)
		}
	}
}

// Issue 4: 100,000 revocations are under 1.5 MB on the wire.
func TestSizeOfRevocationList(t *testing.T) {
	text := printList(listOf(many(100_000)[:100_000]...))
	if wire := base64.RawURLEncoding.EncodedLen(len(text)); wire > 1_425_000 {
		t.Errorf("%d bytes as a JWT", wire)
	}
	var l scopes.RevocationList
	data := []byte(text)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	must(0, l.UnmarshalJSON(data))
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > uint64(len(data)) {
		t.Errorf("reading %d bytes allocates %d", len(data), got)
	}
}

func FuzzRevocationList(f *testing.F) {
	f.Add([]byte(printList(listOf())))
	f.Add([]byte(printList(listOf(many(40)...))))
	f.Add([]byte(`{"iss":"i","sub":"u","iat":1,"exp":2,"ttl":5,"x":[{"\"}":"]"}],"revoked":{"tokens":"","before":"","y":{}}}`))
	f.Add([]byte(`{"iss":"\ud800","sub":"u","iat":1.5,"exp":2e3,"revoked":{"tokens":"AAAAAAAAAAA"}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var l scopes.RevocationList
		if l.UnmarshalJSON(in) != nil {
			return
		}
		var whole map[string]json.RawMessage
		if err := json.Unmarshal(in, &whole); err != nil {
			t.Fatalf("%q is read but is no JSON: %v", in, err)
		}
		text := printList(l)
		again := readList(t, text)
		if printList(again) != text || again.Revoked.Len() != l.Revoked.Len() {
			t.Fatalf("%q -> %q -> %q", in, text, printList(again))
		}
		l.Revoked.Revokes(&scopes.Claims{ID: "j-1", IssuedAt: now})
	})
}

// The time from a payload whose signature was checked to a list that can be asked.
func BenchmarkRevocationsApply(b *testing.B) {
	text := []byte(printList(listOf(many(100_000)[:100_000]...)))
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		var l scopes.RevocationList
		if err := l.UnmarshalJSON(text); err != nil || l.Revoked.Len() != 100_000 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(base64.RawURLEncoding.EncodedLen(len(text))), "bytes/list")
}

func BenchmarkRevocationsPrint(b *testing.B) {
	entries := many(100_000)[:100_000]
	b.ReportAllocs()
	for b.Loop() {
		must(listOf(entries...).MarshalJSON())
	}
}

func BenchmarkRevokes(b *testing.B) {
	list := scopes.NewRevocations(many(100_000)...)
	token := &scopes.Claims{ID: "j-none", GrantID: "g-none", Subject: "u-none", ClientID: "dev", IssuedAt: now}
	b.ReportAllocs()
	for b.Loop() {
		if list.Revokes(token) {
			b.Fatal("revoked")
		}
	}
}
