// Package scopes protects the routes of a resource service with OAuth 2.0 access tokens: it checks a token,
// enforces the scopes that a route needs, and tells who is turned away why. It was made for tokens of grantd and
// takes those of any issuer of RFC 9068.
//
// # The way in
//
// Name the issuer and yourself, and say what each route needs:
//
//	verifier, err := scopes.Discover(ctx, "https://auth.example.com", "https://api.example.com", scopes.DiscoverOptions{})
//	if err != nil {
//		log.Fatal(err)
//	}
//	guard := scopes.Guard{Verifier: verifier}
//	http.Handle("GET /items", guard.Require("me", "items")(items))
//
// Require is middleware of the usual shape, so it fits http.ServeMux, gorilla/mux and chi. In the handler, FromContext
// gives the [Claims]: who granted the token, to which client, with which scopes, until when. Everything that is
// refused is answered as RFC 6750 §3 says, with a challenge from which a client learns what to do, and
// a body {"error","error_description"}. A handler that finds more against a token, such as that its user has
// left, has [Refuse] answer in the same way.
//
// # What to choose
//
// How tokens are checked is the choice of a [TokenVerifier]:
//
//   - [Discover] is for nearly everybody. It checks tokens here, without a request for each: the signature with
//     the issuer's keys, which it fetches and keeps fresh, and whether the issuer took the token back, from a short
//     list that it fetches every five seconds. The issuer may be down for a while.
//   - [Introspect] asks the issuer about each token (RFC 7662). It is for issuers whose tokens are no JWTs.
//   - [NewVerifier] fetches nothing by itself. It is for keys that come another way: [StaticKeys] for a
//     secret that is shared with the issuer, [ParseJWKS] for a file, [JWKS] for a URL without metadata, or a [KeySource] of
//     your own.
//
// What a route needs is said by [Guard.Require] (all of these scopes) or [Guard.RequireAny] (one of several
// alternatives). A [Hierarchy] says that one scope includes another. A service with more than a few routes writes
// them into one table, a [Resource], from which the guards, their challenges and the metadata that clients discover the
// service by (RFC 9728) are made, so that they cannot disagree.
//
// # What is checked
//
// All of RFC 9068 §4: the type of the token, its issuer, its audience, its times, with 60 seconds for clocks that
// differ, and its signature, with the algorithm that belongs to the key and never with a key that the token brings along. A
// token is read from the Authorization header and from nowhere else. The [Kind] of an [Error] tells the refusals apart, for
// logs and metrics.
//
// A token whose signature was checked is remembered, and costs less than a microsecond from then on. What can change is
// asked each time: whether its time is over, whether its key is still the issuer's, whether it was revoked.
//
// # When the issuer is down
//
// Keys that were fetched stay in use. The list of revocations may be a minute old (RevocationOptions.MaxAge); later nobody
// can tell whether a token was revoked, and requests are answered 503 with Retry-After: the package fails closed. A service
// that would rather go on allows more, up to the life of an access token. A service may start before its issuer;
// until keys are there, its answer is 503, and [Verifier.Ready] waits for them.
package scopes
