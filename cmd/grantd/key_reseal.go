package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

// reseal is what the flags of "key reseal" say.
type reseal struct {
	newMaster                       string // path, or "-" for standard input
	prepare, finish, cancel, leaked bool
}

func (a *app) keyResealCommand() *cobra.Command {
	var in reseal
	cmd := &cobra.Command{
		Use: "reseal", Short: "Put the keys of the database under another master key", Args: noArgs,
		Long: "Put the keys of the database under another master key: signing keys, the key of the audit log, and that of\n" +
			"refresh tokens, which stay good until they expire. With several servers, or to fail no request:\n\n" +
			"  1. grantd key reseal --prepare --new-master-key-file new.key\n" +
			"  2. restart the servers with the new master key, one by one\n" +
			"  3. grantd key reseal --finish, with the new master key in the settings\n\n" +
			"Up to the third step --cancel goes back. Without --prepare all is done at once, and servers that run with the old\n" +
			"master key have to be restarted with the new one. Each step is one transaction: all of it happens, or nothing.",
	}
	f := cmd.Flags()
	f.StringVar(&in.newMaster, "new-master-key-file", "", "file that holds the new master key, mode 0600; - for standard input")
	f.BoolVar(&in.prepare, "prepare", false, "let servers work that are started with the new master key, beside the others")
	f.BoolVar(&in.finish, "finish", false, "give up the old master key; the settings have the new one")
	f.BoolVar(&in.cancel, "cancel", false, "give up the new master key that was prepared")
	f.BoolVar(&in.leaked, "leaked", false, "the old master key leaked: refuse its refresh tokens, so that everybody logs in anew")
	addSettings(cmd, "database", "master_key_file", "tokens.refresh_max_ttl")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := in.check(); err != nil {
			return err
		}
		return a.onDatabase(func(ctx context.Context, ad admin, _ []string) error { return a.keyReseal(ctx, ad, in) })(cmd, args)
	}
	return cmd
}

func (in reseal) check() error {
	given := in.newMaster != ""
	switch {
	case moreThanOne(in.prepare, in.finish, in.cancel):
		return errors.New("--prepare, --finish and --cancel are three steps; give one")
	case (in.finish || in.cancel) && given:
		return errors.New("--new-master-key-file goes with --prepare, or alone; for --finish the settings have the new master key")
	case !in.finish && !in.cancel && !given:
		return errors.New("name the file with the new master key: --new-master-key-file new.key; make it with: (umask 077; set -C; head -c 32 /dev/urandom | base64 > new.key)")
	case in.leaked && (in.prepare || in.cancel):
		return errors.New("--leaked goes with --finish, or with --new-master-key-file alone")
	}
	return nil
}

func moreThanOne(given ...bool) bool {
	n := 0
	for _, g := range given {
		if g {
			n++
		}
	}
	return n > 1
}

func (a *app) keyReseal(ctx context.Context, ad admin, in reseal) error {
	master, err := openMaster(ad.cfg)
	if err != nil {
		return err
	}
	how := server.Reseal{Now: ad.now(), RefreshMaxTTL: ad.cfg.Tokens.RefreshMaxTTL, Leaked: in.leaked}
	switch {
	case in.cancel:
		if err := server.CancelReseal(ctx, ad.db, master); err != nil {
			return err
		}
		if err := a.recorded(ctx, ad, resealEvent("key.reseal_cancelled", master.ID(), "")); err != nil {
			return err
		}
		return a.say(resealView{Step: "cancelled", Master: master.ID()}, "the new master key is given up; %s stays", master.ID())
	case in.finish:
		done, err := how.Finish(ctx, ad.db, master)
		return a.resealed(ctx, ad, done, err)
	}
	next, err := a.newMaster(ad.cfg, in.newMaster)
	if err != nil {
		return err
	}
	if !in.prepare {
		done, err := server.ResealAtOnce(ctx, ad.db, master, next, how)
		return a.resealed(ctx, ad, done, err)
	}
	if err := server.PrepareReseal(ctx, ad.db, master, next, how.Now); err != nil {
		return err
	}
	if err := a.recorded(ctx, ad, resealEvent("key.reseal_prepared", master.ID(), next.ID())); err != nil {
		return err
	}
	return a.say(resealView{Step: "prepared", Master: master.ID(), Next: next.ID()},
		"master key %s is ready beside %s; restart all servers with it, then run \"grantd key reseal --finish\" with it", next.ID(), master.ID())
}

// newMaster reads the master key that is to come.
func (a *app) newMaster(cfg config.Config, path string) (*token.Master, error) {
	key, err := a.newMasterKey(cfg, path)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return token.NewMaster(key)
}

func (a *app) newMasterKey(cfg config.Config, path string) ([]byte, error) {
	if path != "-" {
		return cfg.NewMaster(path)
	}
	text, err := io.ReadAll(io.LimitReader(a.stdin, 4096))
	if err != nil {
		return nil, fmt.Errorf("read the new master key from standard input: %w", err)
	}
	defer clear(text)
	return config.ParseMaster("standard input", string(text))
}

// resealView is what the command prints of a step.
type resealView struct {
	Step         string `json:"step"` // prepared, cancelled, done
	Master       string `json:"master_key"`
	Next         string `json:"next_master_key,omitempty"`
	Before       string `json:"master_key_before,omitempty"`
	SigningKeys  int    `json:"signing_keys,omitempty"`
	RefreshUntil string `json:"old_refresh_tokens_until,omitempty"`
}

// resealEvent names the master keys by their names, which are no secrets.
func resealEvent(kind, master, next string) store.Event {
	detail := store.Detail{"master_key": master}
	if next != "" {
		detail["next_master_key"] = next
	}
	return store.Event{Type: kind, Detail: detail}
}

func (a *app) resealed(ctx context.Context, ad admin, done server.Resealed, err error) error {
	if err != nil {
		return err
	}
	v := resealView{Step: "done", Master: done.After, Before: done.Before, SigningKeys: done.SigningKeys}
	old := "refresh tokens of the old one are refused"
	if !done.RefreshUntil.IsZero() {
		v.RefreshUntil = when(done.RefreshUntil)
		old = "refresh tokens of the old one are good until they expire, " + v.RefreshUntil + " at the latest"
	}
	if err := a.recorded(ctx, ad, resealEvent("key.resealed", done.Before, done.After)); err != nil {
		return err
	}
	return a.say(v, "%d signing keys are under the master key %s; %s", v.SigningKeys, v.Master, old)
}
