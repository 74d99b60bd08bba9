package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// checkRunning asks the server that runs on this machine whether it can serve.
func checkRunning(ctx context.Context, opsListen string) error {
	host, port, err := net.SplitHostPort(opsListen)
	if err != nil || port == "0" {
		return fmt.Errorf("ops_listen %q names no port to ask; set it to the one of the running server", opsListen)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	address := net.JoinHostPort(host, port)
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the server at %s did not answer in time; its log says why", address)
	case err != nil:
		return fmt.Errorf("no server answers at ops_listen: %w; start it, or set ops_listen to where it is", err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		return nil
	}
	why, _ := io.ReadAll(io.LimitReader(res.Body, 500)) // what came is enough
	return fmt.Errorf("the server is not ready: %s", strings.TrimSpace(string(why)))
}
