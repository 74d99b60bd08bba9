package server_test

import (
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// What is remembered by an id keeps nothing alive of the request or token that the id was a piece of.
func TestIDsAreKeptAlone(t *testing.T) {
	s := newSystem(t)
	live := server.NewLive()
	for name, remember := range map[string]func(id string){
		"a client": func(id string) {
			r, err := http.NewRequest(http.MethodPost, "/token", nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.srv.AuthenticateClient(r, url.Values{"client_id": {id}}); err != nil {
				t.Fatal(err)
			}
		},
		"a revocation": func(id string) {
			live.Add(store.Revocation{Kind: store.RevokedToken, ID: id, ExpiresAt: time.Now()})
		},
	} {
		t.Run(name, func(t *testing.T) {
			const size = 64 << 20
			before := heap()
			remember(strings.Repeat("app", size/3)[:3])
			if grown := heap() - before; grown > size/2 {
				t.Errorf("%d bytes are kept", grown)
			}
		})
	}
	runtime.KeepAlive(s)
	runtime.KeepAlive(live)
}

// heap is how much memory is in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
