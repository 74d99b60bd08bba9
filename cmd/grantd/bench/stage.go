package bench

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// Who asks a server that is started to be loaded.
const (
	appID       = "bench-app"
	serviceID   = "bench-service"
	limitID     = "bench-limit"
	username    = "bench"
	usersMany   = 1000
	refreshTTL  = 720 * time.Hour
	refreshMost = 2160 * time.Hour
)

// stage is a database that was made to be loaded, and how a server serves it.
type stage struct {
	*Options
	issuer      string
	key         []byte // the master key
	master      *token.Master
	secret      string // of the client that is a service
	password    string // of each user
	db          *store.DB
	users       []string // in order, as are the clients that may refresh
	apps        []string
	spread      *spread
	certificate *certificate // nil: http
}

// newStage brings an empty database to where a server can be loaded.
func newStage(ctx context.Context, o *Options) (_ *stage, err error) {
	// Not the same for everybody: a database that was named stays, with the client and the users in it.
	s := &stage{Options: o, issuer: "http://localhost", key: token.NewMasterKey(), secret: rand.Text(), password: rand.Text()}
	if o.TLS {
		s.issuer = "https://localhost"
		if s.certificate, err = newCertificate(o.Folder); err != nil {
			return nil, err
		}
	}
	if s.master, err = token.NewMaster(s.key); err != nil {
		return nil, err
	}
	if s.db, err = store.Open(ctx, o.Database); err != nil {
		return nil, err
	}
	if err = s.fill(ctx); err != nil {
		s.db.Close()
		return nil, err
	}
	return s, nil
}

func (s *stage) fill(ctx context.Context) error {
	if err := s.empty(ctx); err != nil {
		return err
	}
	if _, _, err := s.db.Migrate(ctx); err != nil {
		return err
	}
	if err := s.addUsers(ctx); err != nil {
		return err
	}
	if err := s.addClients(ctx); err != nil {
		return err
	}
	s.spread = newSpread(s.Authorizations)
	return s.authorizeAll(ctx)
}

// empty refuses a database that is somebody's: what is added could not be told from the rest. It changes nothing in it.
func (s *stage) empty(ctx context.Context) error {
	const remedy = "name an empty one; nothing was changed in this"
	err := s.db.CheckSchema(ctx)
	if schema := (*store.SchemaError)(nil); errors.As(err, &schema) && schema.Have == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the database is in use: %w; %s", err, remedy)
	}
	clients, err := s.db.Clients(ctx, "", 1)
	if err != nil {
		return err
	}
	users, err := s.db.Users(ctx, "", 1)
	if err != nil {
		return err
	}
	if len(clients) > 0 || len(users) > 0 {
		return errors.New("the database has clients or users; " + remedy)
	}
	return nil
}

func (s *stage) addUsers(ctx context.Context) error {
	hash, err := bcrypt.GenerateFromPassword([]byte(s.password), s.HashCost)
	if err != nil {
		return err
	}
	for i := range min(usersMany, max(s.Authorizations, 1)) {
		u := store.User{ID: rand.Text(), Username: fmt.Sprint(username, i), Email: fmt.Sprint(username, i, "@example.com"), PasswordHash: string(hash), CreatedAt: time.Now()}
		if err := s.db.CreateUser(ctx, u); err != nil {
			return err
		}
		s.users = append(s.users, u.ID)
	}
	slices.Sort(s.users)
	return nil
}

func (s *stage) addClients(ctx context.Context) error {
	now := time.Now()
	secret := sha256.Sum256([]byte(s.secret))
	may := []string{"me", "items"}
	all := []store.Client{
		{ID: appID, Grants: []string{"password", "refresh_token"}, Scopes: may, DefaultScopes: may, CreatedAt: now},
		{ID: serviceID, SecretHash: secret[:], Grants: []string{"client_credentials"}, Scopes: may, DefaultScopes: may, Introspect: true, CreatedAt: now},
		{ID: limitID, Grants: []string{"refresh_token"}, Scopes: may, CreatedAt: now},
	}
	for i := len(all); i < s.Clients; i++ {
		all = append(all, store.Client{ID: fmt.Sprint("bench-other-", i), Grants: []string{"refresh_token"}, Scopes: may, CreatedAt: now})
	}
	for _, c := range all {
		if err := s.db.CreateClient(ctx, c); err != nil {
			return err
		}
		if slices.Contains(c.Grants, "refresh_token") && c.ID != limitID {
			s.apps = append(s.apps, c.ID)
		}
	}
	slices.Sort(s.apps)
	return nil
}

// settings are those of a server on a database of this stage.
func (s *stage) settings(database string) []string {
	all := append(passedOn(),
		"GRANTD_ISSUER="+s.issuer, "GRANTD_DATABASE="+database, "GRANTD_SHUTDOWN_DELAY=0s",
		"GRANTD_LIMITS_CLIENT=off", // one client sends all
		"GRANTD_MASTER_KEY="+base64.StdEncoding.EncodeToString(s.key), "GRANTD_PASSWORD_BCRYPT_COST="+strconv.Itoa(s.HashCost))
	if s.Guesses > 0 {
		all = append(all, "GRANTD_TRUSTED_PROXIES=127.0.0.1") // which says where guesses come from
	}
	if s.Profiles != "" {
		all = append(all, "GRANTD_PPROF_ENABLED=true")
	}
	if s.certificate != nil {
		all = append(all, s.certificate.settings()...)
	}
	return append(all, s.Settings...)
}

// at is a process of this stage as requests reach it.
func (s *stage) at(p *process) target {
	t := at(p.Listen)
	if s.certificate != nil {
		t.url.Scheme, t.tls = "https", s.certificate.trusted()
	}
	return t
}

// scene is the server on this stage.
func (s *stage) scene(p *process) *scene {
	sc := &scene{
		target: s.at(p), pid: p.cmd.Process.Pid, token: "/token", introspect: "/introspect", me: "/users/me/",
		app: appID, user: username + "0", pass: s.password, service: basicOf(serviceID, s.secret), chains: s.chains,
	}
	sc.fresh, sc.release = sc.ofService, s.spread.release
	return sc
}
