package bench

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// scene is a server to be loaded and what it knows its callers by.
type scene struct {
	url *url.URL
	tls *tls.Config
	pid int // zero: unknown

	app           string // a public client that may refresh
	user, pass    string
	service       string // what stands behind Basic: a client that may have tokens of its own, and introspect
	authorization func(ctx context.Context, n int) ([]*chain, error)
}

// Who asks a server that is started to be loaded.
const (
	issuer      = "http://localhost"
	appID       = "bench-app"
	serviceID   = "bench-service"
	serviceKey  = "bench-service-secret" // opens a database that is thrown away
	limitID     = "bench-limit"
	username    = "bench"
	password    = "correct horse battery"
	hashCost    = 12
	usersMany   = 1000
	refreshTTL  = 720 * time.Hour
	refreshMost = 2160 * time.Hour
)

// stage is a database that was made to be loaded.
type stage struct {
	database string
	key      []byte // the master key
	master   *token.Master
	db       *store.DB
	users    []string
}

// newStage brings an empty database to where a server can be loaded.
func newStage(ctx context.Context, database string, clients, authorizations int) (*stage, error) {
	db, err := store.Open(ctx, database)
	if err != nil {
		return nil, err
	}
	s := &stage{database: database, key: token.NewMasterKey(), db: db}
	if s.master, err = token.NewMaster(s.key); err == nil {
		err = s.fill(ctx, clients, authorizations)
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

func (s *stage) fill(ctx context.Context, clients, authorizations int) error {
	if _, _, err := s.db.Migrate(ctx); err != nil {
		return err
	}
	// A database that somebody uses must not be filled with what nobody can tell from the rest.
	known, err := s.db.Clients(ctx, "", 1)
	if err != nil {
		return err
	}
	if len(known) > 0 {
		return errors.New("the database has clients already; name an empty one, or leave --database out")
	}
	if err := errors.Join(s.addUsers(ctx), s.addClients(ctx, clients)); err != nil {
		return err
	}
	if err := s.authorize(ctx, limitID, statements, nil); err != nil {
		return err
	}
	return s.authorize(ctx, appID, authorizations, nil)
}

func (s *stage) addUsers(ctx context.Context) error {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), hashCost)
	if err != nil {
		return err
	}
	for i := range usersMany {
		u := store.User{ID: rand.Text(), Username: fmt.Sprint(username, i), Email: fmt.Sprint(username, i, "@example.com"), PasswordHash: string(hash), CreatedAt: time.Now()}
		if err := s.db.CreateUser(ctx, u); err != nil {
			return err
		}
		s.users = append(s.users, u.ID)
	}
	return nil
}

func (s *stage) addClients(ctx context.Context, n int) error {
	now := time.Now()
	secret := sha256.Sum256([]byte(serviceKey))
	may := []string{"me", "items"}
	all := []store.Client{
		{ID: appID, Grants: []string{"password", "refresh_token"}, Scopes: may, CreatedAt: now},
		{ID: serviceID, SecretHash: secret[:], Grants: []string{"client_credentials"}, Scopes: may, DefaultScopes: may, Introspect: true, CreatedAt: now},
		{ID: limitID, Grants: []string{"refresh_token"}, Scopes: may, CreatedAt: now},
	}
	for i := len(all); i < n; i++ {
		all = append(all, store.Client{ID: fmt.Sprint("bench-other-", i), Grants: []string{"refresh_token"}, Scopes: may, CreatedAt: now})
	}
	for _, c := range all {
		if err := s.db.CreateClient(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// addedAtOnce is how many authorizations go into one transaction.
const addedAtOnce = 10_000

// authorize adds n authorizations of a client, and tells each of them.
func (s *stage) authorize(ctx context.Context, client string, n int, tell func(store.Grant) error) error {
	now := time.Now().Truncate(time.Millisecond)
	for done := 0; done < n; {
		batch := make([]store.Grant, min(n-done, addedAtOnce))
		for i := range batch {
			batch[i] = store.Grant{
				ID: rand.Text(), ClientID: client, UserID: s.users[(done+i)%len(s.users)], Scope: []string{"me", "items"}, Generation: 1,
				AuthTime: now, CreatedAt: now, RotatedAt: now, ExpiresAt: now.Add(refreshTTL), MaxExpiresAt: now.Add(refreshMost),
			}
		}
		if err := s.db.CreateGrants(ctx, batch); err != nil {
			return fmt.Errorf("add authorizations: %w", err)
		}
		done += len(batch)
		for _, g := range batch {
			if tell == nil {
				break
			}
			if err := tell(g); err != nil {
				return err
			}
		}
	}
	return nil
}

// chains adds n authorizations and gives their refresh tokens.
func (s *stage) chains(ctx context.Context, n int) (all []*chain, err error) {
	refresher := token.NewRefresher(s.master, issuer, time.Now)
	err = s.authorize(ctx, appID, n, func(g store.Grant) error {
		raw, err := refresher.Mint(token.Refresh{
			Subject: g.UserID, ClientID: g.ClientID, Scope: scopes.Set(g.Scope), GrantID: g.ID,
			Generation: g.Generation, IssuedAt: g.RotatedAt, ExpireAt: g.ExpiresAt,
		})
		all = append(all, &chain{[]byte(raw)})
		return err
	})
	return all, err
}

// settings are those of a server on this stage.
func (s *stage) settings(extra ...string) []string {
	return append([]string{
		"GRANTD_ISSUER=" + issuer, "GRANTD_DATABASE=" + s.database, "GRANTD_SHUTDOWN_DELAY=0s",
		"GRANTD_MASTER_KEY=" + base64.StdEncoding.EncodeToString(s.key),
	}, extra...)
}

// scene is how the server on this stage is reached.
func (s *stage) scene(p *process) *scene {
	return &scene{
		url: &url.URL{Scheme: "http", Host: p.Listen}, pid: p.cmd.Process.Pid,
		app: appID, user: username + "0", pass: password, service: basicOf(serviceID, serviceKey), authorization: s.chains,
	}
}
