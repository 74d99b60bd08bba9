package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

func (a *app) clientCommand() *cobra.Command {
	return group("client", "Manage the apps and services that may ask for tokens",
		a.clientAddCommand(),
		databaseCommand("list", "List clients", noArgs, a.onDatabase(a.clientList)),
		databaseCommand("show CLIENT", "Show a client", one("client"), a.onDatabase(a.clientShow)),
		a.clientRotateSecretCommand(),
		databaseCommand("drop-old-secret CLIENT", "End at once what \"rotate-secret --overlap\" has left good", one("client"), a.onDatabase(a.clientDropOldSecret)),
		a.clientDeleteCommand(),
	)
}

func (a *app) clientList(ctx context.Context, ad admin, _ []string) error {
	views, rows := []clientView{}, [][]string{}
	for after := ""; ; {
		clients, err := ad.db.Clients(ctx, after, page)
		if err != nil {
			return err
		}
		for _, c := range clients {
			v := viewClient(c, ad.now())
			views = append(views, v)
			rows = append(rows, []string{v.ID, v.Name, v.Type, v.Kind, strings.Join(v.Grants, " "), strings.Join(v.Scopes, " ")})
		}
		if len(clients) < page {
			break
		}
		after = clients[len(clients)-1].ID
	}
	return a.table(views, []string{"CLIENT", "NAME", "TYPE", "KIND", "GRANT TYPES", "SCOPES"}, rows)
}

func clientNamed(ctx context.Context, ad admin, id string) (store.Client, error) {
	c, err := ad.db.Client(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return c, fmt.Errorf("there is no client %q; \"grantd client list\" shows all", id)
	}
	return c, err
}

func (a *app) clientShow(ctx context.Context, ad admin, args []string) error {
	c, err := clientNamed(ctx, ad, args[0])
	if err != nil {
		return err
	}
	return viewClient(c, ad.now()).print(a)
}

// lateIssue is for how long after the command a client may still be issued
// tokens of its own, which only their time of issue tells from those of a later
// client: the deletion waits up to 5 s for the database, and a request that was
// past client authentication by then ends within 20 s.
const lateIssue = 30 * time.Second

func (a *app) clientDeleteCommand() *cobra.Command {
	cmd := databaseCommand("delete CLIENT", "Delete a client; ends its authorizations", one("client"), a.onDatabase(a.clientDelete))
	cmd.Long = "Delete a client; ends its authorizations and revokes its tokens, those included that requests under way are\n" +
		"still given. A client added again under the same id within half a minute has its first tokens refused."
	return cmd
}

func (a *app) clientDelete(ctx context.Context, ad admin, args []string) error {
	c, err := clientNamed(ctx, ad, args[0])
	if err != nil {
		return err
	}
	last := ad.now().Add(lateIssue)
	ended, err := ad.db.DeleteClient(ctx, c.ID, last, until(last))
	return a.ended(ctx, ad, store.Event{Type: "client.deleted", ClientID: c.ID}, err, "client "+c.ID+" deleted", ended)
}
