package main

import (
	"strings"
	"text/template"
)

// walkThrough is the lines that "grantd dev" prints. A test pastes them into a shell.
func walkThrough(issuer, demoApp string) string {
	var b strings.Builder
	if err := walkThroughText.Execute(&b, map[string]string{"issuer": issuer, "app": demoApp}); err != nil {
		panic(err) // the template is a constant
	}
	return b.String()
}

var walkThroughText = template.Must(template.New("walk-through").Parse(`{{with .app}}
Open {{.}} in a browser: a demo app, to which johndoe signs in with grantd.
What it may do then, and how to end it, is on the account page: {{$.issuer}}/account
{{end}}
grantd is running at {{.issuer}}  (user johndoe, password secret; Ctrl-C stops it)

Paste these into another terminal, one after the other.

# 1. Get tokens for the scopes "me items"
TOKENS=$(curl -s {{.issuer}}/token -d grant_type=password -d username=johndoe -d password=secret -d scope='me items'); echo "$TOKENS"
access() { echo "$1" | sed 's/.*"access_token":"\([^"]*\)".*/\1/'; }; refresh() { echo "$1" | sed 's/.*"refresh_token":"\([^"]*\)".*/\1/'; }

# 2. Ask who you are (needs the scope "me")
curl -s {{.issuer}}/users/me/ -H "Authorization: Bearer $(access "$TOKENS")"

# 3. List your items (needs "me items")
curl -s {{.issuer}}/users/me/items/ -H "Authorization: Bearer $(access "$TOKENS")"

# 4. Get a token without the scope "items"
NARROW=$(curl -s {{.issuer}}/token -d grant_type=password -d username=johndoe -d password=secret -d scope=me); echo "$NARROW"

# 5. See it refused: 403 and a challenge that names the scopes needed
curl -si {{.issuer}}/users/me/items/ -H "Authorization: Bearer $(access "$NARROW")"

# 6. Refresh, twice: each answer has a new refresh token
SECOND=$(curl -s {{.issuer}}/refresh -d refresh_token="$(refresh "$TOKENS")"); echo "$SECOND"
THIRD=$(curl -s {{.issuer}}/refresh -d refresh_token="$(refresh "$SECOND")"); echo "$THIRD"

# 7. Replay the first refresh token, as a thief would: refused, and the authorization is revoked
curl -s {{.issuer}}/refresh -d refresh_token="$(refresh "$TOKENS")"

# 8. Nothing that came from that login works any more: not the newest refresh token, not the access token
curl -s {{.issuer}}/refresh -d refresh_token="$(refresh "$THIRD")"
curl -si {{.issuer}}/users/me/ -H "Authorization: Bearer $(access "$THIRD")"

`))
