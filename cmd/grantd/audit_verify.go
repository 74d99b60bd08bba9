package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

func (a *app) auditVerifyCommand() *cobra.Command {
	var heads []string
	cmd := &cobra.Command{
		Use: "verify", Short: "Look whether the audit log is as it was written", Args: noArgs,
		Long: "Read the whole audit log and look whether each event follows the one before, and whether servers sealed what they\n" +
			"wrote. Seals are checked where the master key is set. Status 1 says that something does not fit, and what the first\n" +
			"such event is.\n\n" +
			"That the end was cut off shows only by a head that was noted elsewhere before: servers write theirs to their log every\n" +
			"hour (audit.head), and this command prints them. Give them back with --head.",
		Example: "  grantd audit verify\n  grantd audit verify --head decisions:1207:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	}
	cmd.Flags().StringArrayVar(&heads, "head", nil, "a head that was noted before, as the log has it; may be given more than once")
	addSettings(cmd, "database", "master_key_file")
	cmd.RunE = a.onDatabase(func(ctx context.Context, ad admin, _ []string) error {
		var known []store.Head
		for _, text := range heads {
			head, err := store.ParseHead(text)
			if err != nil {
				return err
			}
			known = append(known, head)
		}
		return a.auditVerify(ctx, ad, known)
	})
	return cmd
}

// verifyView is what is printed of one chain.
type verifyView struct {
	Chain    string `json:"chain"`
	OK       bool   `json:"ok"`
	Fault    string `json:"fault,omitempty"`
	FaultSeq int64  `json:"fault_seq,omitempty"`
	Events   int    `json:"events"`
	FirstSeq int64  `json:"first_seq"`
	Since    string `json:"since,omitempty"`
	Sealed   int    `json:"sealed"`
	Unsealed int    `json:"unsealed"`
	Seals    bool   `json:"seals_checked"`
	Head     string `json:"head,omitempty"`
}

func (a *app) auditVerify(ctx context.Context, ad admin, known []store.Head) error {
	key, err := auditKey(ctx, ad)
	if err != nil {
		return err
	}
	found, err := ad.db.VerifyEvents(ctx, key, known)
	if err != nil {
		return err
	}
	var views []verifyView
	var wrong error
	for _, c := range found {
		v := verifyView{c.Chain, c.Fault == "", c.Fault, c.FaultSeq, c.Events, c.FirstSeq, when(c.Since), c.Sealed, c.Unsealed, key != nil, ""}
		if c.Head.Seq > 0 {
			v.Head = c.Head.String()
		}
		views = append(views, v)
		if !v.OK && wrong == nil {
			wrong = fmt.Errorf("the audit log was tampered with: %s: %s", c.Chain, c.Fault)
		}
		for _, head := range known {
			if head.Chain == c.Chain && head.Seq < c.FirstSeq && wrong == nil {
				wrong = fmt.Errorf("the head %s says nothing any more: the log begins at event %d, those before were pruned; note one of today", head, c.FirstSeq)
			}
		}
	}
	if err := a.verified(views, key != nil); err != nil {
		return err
	}
	return wrong
}

// auditKey is the key of the seals, nil where no master key is set. Where no server has written yet, or the key was taken out
// of the database, it is one that no seal is made with: what says that a server wrote it is not to pass because of that.
func auditKey(ctx context.Context, ad admin) ([]byte, error) {
	if ad.cfg.MasterKey == "" && ad.cfg.MasterKeyFile == "" {
		return nil, nil
	}
	master, err := openMaster(ad.cfg)
	if err != nil {
		return nil, err
	}
	if _, err := ad.db.SealedKey(ctx, server.AuditKey); errors.Is(err, store.ErrNotFound) {
		return []byte(rand.Text()), nil
	}
	return server.SealedKey(ctx, ad.db, master, server.AuditKey, ad.now())
}

func (a *app) verified(views []verifyView, seals bool) error {
	if a.output == "json" {
		return a.json(views)
	}
	for _, v := range views {
		if err := a.say(nil, "%s", v.words()); err != nil {
			return err
		}
	}
	if !seals {
		return a.say(nil, "seals were not checked: no master key is set here")
	}
	return nil
}

// words says what was found in a chain, for people.
func (v verifyView) words() string {
	switch {
	case !v.OK:
		return fmt.Sprintf("%s: %s fit, then one does not", v.Chain, count(v.Events, "event"))
	case v.Events == 0:
		return v.Chain + ": no events"
	}
	text := fmt.Sprintf("%s: %s since %s, all as they were written", v.Chain, count(v.Events, "event"), v.Since)
	if v.FirstSeq > 1 {
		text += fmt.Sprintf(" (those before event %d were pruned)", v.FirstSeq)
	}
	if v.Seals {
		text += fmt.Sprintf("; %d sealed, %d by commands since the last seal", v.Sealed, v.Unsealed)
	}
	return text + "; note elsewhere: " + v.Head
}
