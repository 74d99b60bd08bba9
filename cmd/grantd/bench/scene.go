package bench

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// scene is a server that was started to be loaded, with what it needs to be asked for.
type scene struct {
	*process
	folder string
	db     *store.DB
	master *token.Master
	users  []string
}

const (
	issuer     = "http://localhost"
	appID      = "bench-app"
	serviceID  = "bench-service"
	username   = "bench"
	password   = "correct horse battery"
	serviceKey = "bench-service-secret"
)

func newScene(ctx context.Context, folder, database string, cpu, cost int) (*scene, error) {
	if database == "" {
		database = "sqlite:" + filepath.Join(folder, "grantd.db")
	}
	key := token.NewMasterKey()
	master, err := token.NewMaster(key)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, database)
	if err != nil {
		return nil, err
	}
	s := &scene{folder: folder, db: db, master: master}
	if _, _, err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	if err := s.populate(ctx, cost); err != nil {
		return nil, err
	}
	s.process, err = startServer(ctx, folder, cpu, "GRANTD_ISSUER="+issuer, "GRANTD_DATABASE="+database, "GRANTD_MASTER_KEY="+base64Of(key), "GRANTD_SHUTDOWN_DELAY=0s", "GOMAXPROCS="+os.Getenv("GMP"), "GOGC="+os.Getenv("GG"))
	return s, err
}

func (s *scene) populate(ctx context.Context, cost int) error {
	now := time.Now()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return err
	}
	secret := sha256.Sum256([]byte(serviceKey))
	s.users = []string{rand.Text()}
	return errors.Join(
		s.db.CreateUser(ctx, store.User{ID: s.users[0], Username: username, PasswordHash: string(hash), CreatedAt: now}),
		s.db.CreateClient(ctx, store.Client{ID: appID, Grants: []string{"password", "refresh_token"}, Scopes: []string{"me", "items"}, CreatedAt: now}),
		s.db.CreateClient(ctx, store.Client{ID: serviceID, SecretHash: secret[:], Grants: []string{"client_credentials"}, Scopes: []string{"me"}, Introspect: true, CreatedAt: now}),
	)
}

// authorize adds n authorizations and gives the refresh tokens of the last most of them.
func (s *scene) authorize(ctx context.Context, n, most int) (chains []*chain, err error) {
	refresher := token.NewRefresher(s.master, issuer, time.Now)
	now := time.Now().Truncate(time.Millisecond)
	for n > 0 {
		batch := make([]store.Grant, min(n, 5000))
		for i := range batch {
			g := store.Grant{
				ID: rand.Text(), ClientID: appID, UserID: s.users[0], Scope: []string{"me", "items"}, Generation: 1,
				AuthTime: now, CreatedAt: now, RotatedAt: now, ExpiresAt: now.Add(720 * time.Hour), MaxExpiresAt: now.Add(2160 * time.Hour),
			}
			batch[i] = g
			if n-i > most {
				continue
			}
			raw, err := refresher.Mint(token.Refresh{
				Subject: g.UserID, ClientID: g.ClientID, Scope: scopes.Set(g.Scope), GrantID: g.ID, Generation: 1, IssuedAt: now, ExpireAt: g.ExpiresAt,
			})
			if err != nil {
				return nil, err
			}
			chains = append(chains, &chain{[]byte(raw)})
		}
		if err := s.db.CreateGrants(ctx, batch); err != nil {
			return nil, fmt.Errorf("add authorizations: %w", err)
		}
		n -= len(batch)
	}
	return chains, nil
}
