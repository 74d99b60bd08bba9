package main

import (
	"context"
	"fmt"
	"time"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

func (a *app) storeCommand() *cobra.Command {
	return group("store", "Copy the database into another one, or back it up",
		a.storeCopyCommand(), a.storeBackupCommand())
}

func (a *app) storeBackupCommand() *cobra.Command {
	cmd := databaseCommand("backup FILE", "Back the SQLite database up while servers use it", one("file"), a.onDatabase(a.storeBackup))
	cmd.Long = "Write the SQLite database as it is now to a new file, while servers read and write it. The file is checked, and\n" +
		"complete as soon as it has its name. It holds password hashes: it is made readable to its owner alone.\n\n" +
		"To restore it, stop the server, remove grantd.db, grantd.db-wal and grantd.db-shm, and put the file in their place."
	cmd.Example = "  grantd store backup /backups/grantd-$(date +%F).db"
	return cmd
}

// backupView is what is printed of a backup.
type backupView struct {
	File         string `json:"file"`
	Bytes        int64  `json:"bytes"`
	Schema       int64  `json:"schema"`
	Milliseconds int64  `json:"milliseconds"`
}

func (a *app) storeBackup(ctx context.Context, ad admin, args []string) error {
	start := time.Now()
	b, err := ad.db.Backup(ctx, args[0])
	if err != nil {
		return fmt.Errorf("%s: %w", config.MaskDatabase(ad.cfg.Database), err)
	}
	took := time.Since(start)
	if err := a.recorded(ctx, ad, store.Event{Type: "store.backed_up", Detail: store.Detail{"file": args[0], "bytes": b.Bytes}}); err != nil {
		return err
	}
	return a.say(backupView{args[0], b.Bytes, b.Schema, took.Milliseconds()},
		"%s: %.1f MB at schema %d, checked, in %v", args[0], float64(b.Bytes)/1e6, b.Schema, took.Round(time.Millisecond))
}
