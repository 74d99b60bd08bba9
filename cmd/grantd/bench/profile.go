package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// profile begins to take profiles of the server while it is loaded: of the CPU, and of what is allocated in that time. What it
// returns waits for them.
func (b *bench) profile(ctx context.Context, name string) (wait func() error) {
	seconds := strconv.Itoa(max(int(b.For.Round(time.Second).Seconds()), 1))
	var both sync.WaitGroup
	errs := make([]error, 2)
	for i, kind := range []string{"profile", "allocs"} {
		both.Go(func() { errs[i] = b.save(ctx, kind+"?seconds="+seconds, name+"."+kind+".pprof") })
	}
	return func() error {
		both.Wait()
		return errors.Join(errs...)
	}
}

func (b *bench) save(ctx context.Context, what, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.server.Ops+"/debug/pprof/"+what, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server gives no profile: %s", res.Status)
	}
	f, err := os.Create(filepath.Join(b.Profiles, file))
	if err != nil {
		return err
	}
	_, err = io.Copy(f, res.Body)
	return errors.Join(err, f.Close())
}
