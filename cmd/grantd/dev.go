package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/server/token"
	"github.com/spf13/cobra"
)

func (a *app) devCommand() *cobra.Command {
	var demoListen string
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run the whole system with demo users and clients, for trying it out",
		Long: "Run the whole system: SQLite in a temporary folder (--database sqlite:PATH keeps it), keys made on the spot,\n" +
			"demo users and clients loaded, and a demo app that signs people in, on a port of its own. Prints curl lines to paste. Not for production: everybody knows its passwords.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.dev(cmd, demoListen) },
	}
	cmd.Flags().StringVar(&demoListen, "demo-listen", "127.0.0.1:8002", "address of the demo app, on another port when that is taken; browsers on this machine reach it as http://localhost:PORT; off for none")
	addSettings(cmd)
	for flag, value := range map[string]string{"database": "", "shutdown-delay": "0s", "password-default-client": "dev", "limits-signup": "off", "limits-client": "off", "signup-enabled": "true", "log-format": "text"} {
		cmd.Flags().Lookup(flag).DefValue = value // what --help says; config.Dev sets it
	}
	return cmd
}

func (a *app) dev(cmd *cobra.Command, demoListen string) error {
	base := config.Dev()
	base.Database = "" // a temporary one, unless a setting names another
	cfg, err := a.load(cmd, base)
	if err != nil {
		return err
	}
	if cfg.OpsListen == cfg.Listen {
		cfg.OpsListen = freePort
	}
	if cfg.Database == "" {
		folder, err := os.MkdirTemp("", "grantd-dev-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		cfg.Database = "sqlite:" + filepath.Join(folder, "grantd.db")
	}
	if err := cfg.CheckValues(); err != nil {
		return err
	}
	on, err := devListeners(cfg)
	if err != nil {
		return err
	}
	demo, err := listenDemo(demoListen)
	if err != nil {
		return err
	}
	if cfg.Issuer == "" {
		cfg.Issuer = devIssuer(cfg, on.public.Addr())
	}
	if err := cfg.CheckValues(); err != nil { // again: the issuer may be one that passwords must not travel to
		return err
	}
	return a.runDev(cmd.Context(), cfg, on, demo)
}

func (a *app) runDev(ctx context.Context, cfg config.Config, on listeners, demo demoListener) error {
	master, err := devMaster(cfg)
	if err != nil {
		return err
	}
	db, err := openMigrated(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := loadDemo(ctx, db); err != nil {
		return err
	}
	log := newLog(a.stderr, cfg.Log)
	if demo.URL != "" {
		if err := demo.serve(ctx, db, cfg.Issuer, log); err != nil {
			return err
		}
		defer demo.close()
	}
	if !isLoopback(on.public.Addr()) {
		log.Warn("others can reach this server, and everybody knows the passwords of the demo; listen on 127.0.0.1, or delete the demo's users and clients",
			"listen", on.public.Addr().String())
	}
	if demo.URL != "" && !isLoopback(demo.Addr()) {
		log.Warn("others can reach the demo app, which is for browsers on this machine; listen on 127.0.0.1", "demo-listen", demo.Addr().String())
	}
	return a.runServer(ctx, cfg, master, db, on, devOptions{demo.URL, true}, func() {
		fmt.Fprint(a.stdout, walkThrough(cfg.Issuer, demo.URL))
	})
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// freePort is an address of which the system picks the port.
const freePort = "127.0.0.1:0"

// devListeners opens both addresses. Several dev servers can run side by side:
// the operator's address gives way when it is taken.
func devListeners(cfg config.Config) (listeners, error) {
	public, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return listeners{}, fmt.Errorf("%w; stop what listens there or choose another address with --listen 127.0.0.1:8001", err)
	}
	ops, err := net.Listen("tcp", cfg.OpsListen)
	if errors.Is(err, syscall.EADDRINUSE) {
		ops, err = net.Listen("tcp", freePort)
	}
	if err != nil {
		return listeners{}, listenError(err, "ops_listen")
	}
	return listeners{public, ops}, nil
}

// devIssuer is the URL under which a browser on this machine finds the server.
func devIssuer(cfg config.Config, addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		host, port = "127.0.0.1", "8000"
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme, usual := "http", "80"
	if cfg.TLS.CertFile != "" {
		scheme, usual = "https", "443"
	}
	issuer := url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port)}
	if port == usual {
		issuer.Host = strings.TrimSuffix(issuer.Host, ":"+port)
	}
	return issuer.String()
}

// devMaster is the master key: the one of the settings, or one that lies beside
// the database, made there the first time.
func devMaster(cfg config.Config) (*token.Master, error) {
	if cfg.MasterKey != "" || cfg.MasterKeyFile != "" {
		return openMaster(cfg)
	}
	file, isFile := strings.CutPrefix(cfg.Database, "sqlite:")
	if !isFile {
		return nil, errors.New("the master key has no place beside a database on another machine; set master_key_file")
	}
	path := file + ".master-key"
	cfg.MasterKeyFile = path
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		err := writeNew(path, base64.StdEncoding.EncodeToString(token.NewMasterKey())+"\n")
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("keep the master key beside the database: %w; name a database whose folder exists and has room", err)
		}
	}
	return openMaster(cfg)
}

// writeNew writes a file that only its owner can read, whole or not at all, and
// never over another.
func writeNew(path, text string) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".grantd-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.WriteString(text)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Link(temp.Name(), path)
}
