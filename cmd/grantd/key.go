package main

import (
	"cmp"
	"context"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

func (a *app) keyCommand() *cobra.Command {
	return group("key", "Manage the keys that sign access and ID tokens",
		databaseCommand("list", "List signing keys", noArgs, a.onDatabase(a.keyList)),
		a.keyRotateCommand(),
		a.keyResealCommand(),
	)
}

// keyView is what commands print of a signing key.
type keyView struct {
	ID       string `json:"kid"`
	Alg      string `json:"alg"`
	State    string `json:"state"` // next, active, retired
	SignFrom string `json:"signs_from"`
	Created  string `json:"created_at"`
}

// viewKeys tells the state of keys that are ordered by SignFrom: of each
// algorithm the newest whose time has come is active.
func viewKeys(keys []store.SigningKey, now time.Time) []keyView {
	active := map[string]string{}
	for _, k := range keys {
		if !k.SignFrom.After(now) {
			active[k.Alg] = k.ID
		}
	}
	views := []keyView{}
	for _, k := range keys {
		v := keyView{k.ID, k.Alg, "retired", when(k.SignFrom), when(k.CreatedAt)}
		switch {
		case k.SignFrom.After(now):
			v.State = "next"
		case active[k.Alg] == k.ID:
			v.State = "active"
		}
		views = append(views, v)
	}
	return views
}

func (a *app) keyList(ctx context.Context, ad admin, _ []string) error {
	keys, err := ad.db.SigningKeys(ctx)
	if err != nil {
		return err
	}
	views, rows := viewKeys(keys, ad.now()), [][]string{}
	for _, v := range views {
		rows = append(rows, []string{v.ID, v.Alg, v.State, v.SignFrom, v.Created})
	}
	return a.table(views, []string{"KID", "ALG", "STATE", "SIGNS FROM", "CREATED"}, rows)
}

func (a *app) keyRotateCommand() *cobra.Command {
	var atOnce bool
	var alg string
	cmd := &cobra.Command{
		Use: "rotate", Short: "Make the next signing key; running servers publish it now and sign with it later", Args: noArgs,
		Long: "Make the next signing key, of the algorithm of access tokens unless --alg names another: ID tokens are signed by RS256,\n" +
			"or by what their client is registered with. Running servers publish it within a minute and sign with it once\n" +
			"every copy of the JWKS can be expected to have it. The key before stays published until the last token signed with it expired.",
	}
	cmd.Flags().BoolVar(&atOnce, "now", false, "sign with it at once, in place of keys that wait; resource services that cache the JWKS may refuse tokens for some minutes")
	cmd.Flags().StringVar(&alg, "alg", "", "algorithm of the key: ES256, EdDSA or RS256 (by default tokens.signing_alg)")
	addSettings(cmd, "database", "master_key_file", "tokens.signing_alg")
	cmd.RunE = a.onDatabase(func(ctx context.Context, ad admin, _ []string) error {
		lead := server.KeyLead
		if atOnce {
			lead = 0
		}
		return a.keyRotate(ctx, ad, cmp.Or(alg, ad.cfg.Tokens.SigningAlg), lead)
	})
	return cmd
}

func (a *app) keyRotate(ctx context.Context, ad admin, alg string, lead time.Duration) error {
	master, err := openMaster(ad.cfg)
	if err != nil {
		return err
	}
	now := ad.now()
	k, err := server.RotateKey(ctx, ad.db, master, alg, now, lead)
	if err != nil {
		return err
	}
	v := viewKeys([]store.SigningKey{k}, now)[0]
	if err := a.recorded(ctx, ad, store.Event{Type: "key.rotated", Detail: store.Detail{"kid": v.ID, "alg": v.Alg, "signs_from": v.SignFrom}}); err != nil {
		return err
	}
	return a.say(v, "key %s (%s) signs from %s", v.ID, v.Alg, v.SignFrom)
}
