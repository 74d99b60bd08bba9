package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

// maxToken bounds what is read from standard input: a list of a million revocations.
const maxToken = 16 << 20

func (a *app) tokenCommand() *cobra.Command {
	inspect := &cobra.Command{
		Use: "inspect", Short: "Decode a token from standard input and say what is wrong with it", Args: noArgs,
		Long: "Decode a token from standard input and say what is wrong with it. With access to the database of the server\n" +
			"that made it, signature, revocation and rotation are checked too.",
		RunE: a.tokenInspect,
	}
	addSettings(inspect, "database", "issuer", "master_key_file", "tokens.audience", "tokens.reuse_grace")
	return group("token", "Look into tokens", inspect)
}

// inspection is what is found about a token.
type inspection struct {
	Header   map[string]any `json:"header"`
	Claims   map[string]any `json:"claims"`
	Problems []string       `json:"problems"`
	// Unchecked says what could not be looked at, and why.
	Unchecked []string `json:"unchecked"`
}

func (a *app) tokenInspect(cmd *cobra.Command, _ []string) error {
	cfg, err := a.load(cmd, config.Default())
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(io.LimitReader(a.stdin, maxToken))
	if err != nil {
		return err
	}
	in := inspector{cfg: cfg, raw: strings.TrimSpace(string(raw)), now: time.Now()}
	if err := in.decode(); err != nil {
		return err
	}
	in.check(cmd.Context())
	if err := a.printInspection(in.found); err != nil {
		return err
	}
	if len(in.found.Problems) > 0 {
		return errors.New("the token would be refused: " + strings.Join(in.found.Problems, "; "))
	}
	return nil
}

func (a *app) printInspection(found inspection) error {
	if a.output == "json" {
		return a.json(found)
	}
	for _, part := range []map[string]any{found.Header, found.Claims} {
		if err := a.json(part); err != nil {
			return err
		}
	}
	a.printDates(found.Claims)
	for _, u := range found.Unchecked {
		fmt.Fprintln(a.stdout, "not checked: "+u)
	}
	switch {
	case len(found.Problems) > 0:
	case len(found.Unchecked) > 0:
		fmt.Fprintln(a.stdout, "nothing wrong was found in what could be checked")
	default:
		fmt.Fprintln(a.stdout, "nothing wrong was found")
	}
	return nil
}

// printDates writes for people what the claims give in seconds since 1970.
func (a *app) printDates(claims map[string]any) {
	for _, name := range []string{"iat", "auth_time", "exp"} {
		n, ok := claims[name].(json.Number)
		if !ok {
			continue
		}
		// RFC 3339 §1 ends with the year 9999.
		if seconds, err := n.Float64(); err == nil && seconds > 0 && seconds < 253402300800 {
			fmt.Fprintf(a.stdout, "%s: %s\n", name, when(time.Unix(int64(seconds), 0)))
		}
	}
}

type inspector struct {
	cfg   config.Config
	raw   string
	now   time.Time
	found inspection
}

func (in *inspector) decode() error {
	claims := jwt.MapClaims{}
	t, _, err := jwt.NewParser(jwt.WithJSONNumber()).ParseUnverified(strings.TrimPrefix(in.raw, "Bearer "), claims)
	if err != nil {
		return errors.New("this is not a JWT; pipe in one token of three parts joined by dots")
	}
	in.raw = t.Raw
	in.found = inspection{Header: t.Header, Claims: claims, Problems: []string{}, Unchecked: []string{}}
	return nil
}

func (in *inspector) problem(format string, args ...any) {
	in.found.Problems = append(in.found.Problems, fmt.Sprintf(format, args...))
}

func (in *inspector) unchecked(what string, err error) {
	in.found.Unchecked = append(in.found.Unchecked, what+": "+oneLine(err))
}

// check looks at the token as the server and resource services would, as far as
// the settings reach.
func (in *inspector) check(ctx context.Context) {
	if in.cfg.Issuer == "" {
		in.cfg.Issuer, _ = in.found.Claims["iss"].(string) // nothing to compare with
		in.unchecked("issuer", errors.New("the setting is empty; give --issuer"))
	}
	if in.found.Header["typ"] == listType {
		in.readList()
	}
	db, err := openCurrent(ctx, in.cfg)
	if err != nil {
		in.withoutDatabase(err)
		return
	}
	defer db.Close()
	switch in.found.Header["typ"] {
	case listType:
		in.checkList(ctx, db)
	case "rt+jwt":
		in.checkRefresh(ctx, db)
	default:
		in.checkAccess(ctx, db)
	}
}

func (in *inspector) withoutDatabase(err error) {
	if errors.Is(err, errNoFile) { // an empty one would tell nothing
		err = fmt.Errorf("%s: %w; name the database of the server that made the token with --database", in.cfg.Database, errNoFile)
	}
	if in.found.Header["typ"] == listType {
		in.unchecked("signature", err)
		return
	}
	in.checkTimes()
	in.unchecked("signature and revocation", err)
}

func (in *inspector) checkTimes() {
	claims := jwt.MapClaims(in.found.Claims)
	if exp, err := claims.GetExpirationTime(); err != nil || exp == nil {
		in.problem("it has no expiry")
	} else if !exp.After(in.now) {
		in.problem("it expired at %s", when(exp.Time))
	}
	if iat, err := claims.GetIssuedAt(); err == nil && iat != nil && iat.After(in.now.Add(time.Minute)) {
		in.problem("it was issued in the future, at %s; is a clock wrong?", when(iat.Time))
	}
}

func (in *inspector) checkAccess(ctx context.Context, db *store.DB) {
	keys, err := verificationKeys(ctx, db, in.cfg)
	if err != nil {
		in.checkTimes()
		in.unchecked("signature", err)
		return
	}
	audience := in.cfg.Tokens.Audience
	if audience == "" {
		audience = in.cfg.Issuer
	}
	verifier, err := scopes.NewVerifier(scopes.VerifierOptions{Issuer: in.cfg.Issuer, Audience: audience, Keys: keys})
	if err != nil {
		in.unchecked("signature", err)
		return
	}
	claims, err := verifier.Verify(ctx, in.raw)
	var refused *scopes.Error
	switch {
	case errors.As(err, &refused):
		in.problem("%s", refused.Description) // the cause behind it is the library's
		return
	case err != nil:
		in.problem("%s", oneLine(err))
		return
	}
	in.checkRevoked(ctx, db, claims)
}

func (in *inspector) checkRevoked(ctx context.Context, db *store.DB, c *scopes.Claims) {
	rows, err := db.Revocations(ctx, time.Time{}, in.now)
	if err != nil {
		in.unchecked("revocation", err)
		return
	}
	if slices.ContainsFunc(rows, func(r store.Revocation) bool {
		return r.Revokes(c.ID, c.GrantID, c.ClientID, c.IssuedAt)
	}) {
		in.problem("it was revoked")
	}
}

// verificationKeys are the public halves in the database. No master key is needed.
func verificationKeys(ctx context.Context, db *store.DB, cfg config.Config) (scopes.KeySource, error) {
	rows, err := db.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	var keys []scopes.Key
	for _, row := range rows {
		public, err := x509.ParsePKIXPublicKey(row.Public)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", row.ID, err)
		}
		keys = append(keys, scopes.Key{ID: row.ID, Alg: row.Alg, Key: public})
	}
	if cfg.Tokens.SharedSecret != "" {
		keys = append(keys, scopes.Key{ID: token.SharedKeyID, Alg: token.HS256, Key: []byte(cfg.Tokens.SharedSecret)})
	}
	return scopes.StaticKeys(keys...)
}

func (in *inspector) checkRefresh(ctx context.Context, db *store.DB) {
	refresher, err := in.refresher(ctx, db)
	if errors.Is(err, token.ErrSealed) { // with these settings no server would read it, nor start
		in.problem("%s", oneLine(err))
		return
	}
	if err != nil {
		in.checkTimes()
		in.unchecked("signature", err)
		return
	}
	t, err := refresher.Read(in.raw)
	if err != nil {
		in.problem("%s", oneLine(err))
		return
	}
	g, err := db.Grant(ctx, t.GrantID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		in.problem("its authorization is gone")
	case err != nil:
		in.unchecked("revocation", err)
	default:
		in.checkGrant(g, t)
	}
}

// refresher reads as the server does, also what was made with a master key from before.
func (in *inspector) refresher(ctx context.Context, db *store.DB) (*token.Refresher, error) {
	if in.cfg.MasterKey == "" && in.cfg.MasterKeyFile == "" {
		return nil, errors.New("only the server's master key can; give --master-key-file")
	}
	master, err := openMaster(in.cfg)
	if err != nil {
		return nil, err
	}
	return server.OpenRefresher(ctx, db, master, in.cfg.Issuer, time.Now)
}

// checkGrant says what would become of the authorization if t were presented now.
func (in *inspector) checkGrant(g store.Grant, t token.Refresh) {
	switch g.Foresee(store.Rotation{
		ID: t.GrantID, ClientID: t.ClientID, UserID: t.Subject, Generation: t.Generation, Now: in.now, Grace: in.cfg.Tokens.ReuseGrace,
	}) {
	case store.Revoked:
		in.problem("its authorization was revoked at %s", when(g.RevokedAt))
	case store.Expired:
		in.problem("its authorization expired at %s", when(g.ExpiresAt))
	case store.Reused:
		in.problem("it was used before: it has generation %d and the authorization is at %d; presenting it would revoke the authorization", t.Generation, g.Generation)
	}
}
