// Package peers compares package scopes with what a Go service would use instead: keyfunc with golang-jwt,
// go-oidc, jwx and auth0's go-jwt-middleware. It asserts what each of them accepts, and measures them in one run:
//
//	go test -bench . ./...
//
// It is a module of its own, so that the peers and their dozens of modules stay out of grantd's go.mod, and
// with it out of the choice of versions of whoever imports scopes. When grantd's go.mod changes, "go mod tidy"
// here follows it.
package peers
