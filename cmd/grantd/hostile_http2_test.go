package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// What one HTTP/2 connection can ask for without waiting: requests that are taken back at once (CVE-2023-44487),
// a header that never ends (CVE-2024-27316), pings, settings, empty frames. It costs the others nothing.
func TestHTTP2Floods(t *testing.T) {
	t.Parallel()
	files := certificateFiles{filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")}
	files.write(t, "flooded", time.Now())
	p := newProcess("dev", "--demo-listen", "off", "--log-format", "json", "--pprof-enabled", "--tls-cert-file", files.cert, "--tls-key-file", files.key)
	p.run(t)
	p.URL = strings.Replace(p.URL, "http:", "https:", 1)
	p.client.Transport.(*http.Transport).TLSClientConfig.InsecureSkipVerify = true // the certificate is its own
	v := victim{process: p}
	login(t, p, "before")
	v.goroutines, v.heap = v.held(t)

	header := headerBlock("/token", "POST")
	for name, flood := range map[string]func(f *http2.Framer, i uint32) error{
		"taken back": func(f *http2.Framer, i uint32) error {
			id := 2*i + 1
			if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: header, EndHeaders: true}); err != nil {
				return err
			}
			return f.WriteRSTStream(id, http2.ErrCodeCancel)
		},
		"header without an end": func(f *http2.Framer, i uint32) error {
			if i == 0 {
				return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: header})
			}
			return f.WriteContinuation(1, false, headerBlock(strings.Repeat("a", 2000), "POST"))
		},
		"pings":    func(f *http2.Framer, _ uint32) error { return f.WritePing(false, [8]byte{}) },
		"settings": func(f *http2.Framer, _ uint32) error { return f.WriteSettings() },
		"empty data": func(f *http2.Framer, i uint32) error {
			if i == 0 {
				return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: header, EndHeaders: true})
			}
			return f.WriteData(1, false, nil)
		},
	} {
		frames := floodHTTP2(t, p, flood)
		t.Logf("%s: %d frames before it ended", name, frames)
	}
	v.served(t)
	v.wantUnharmed(t)
}

// floodHTTP2 sends frames without reading, until the server has enough or it was many.
func floodHTTP2(t *testing.T, p *process, flood func(f *http2.Framer, i uint32) error) (frames uint32) {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(p.URL, "https://"), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	go io.Copy(io.Discard, conn)
	io.WriteString(conn, http2.ClientPreface)
	f := http2.NewFramer(conn, nil)
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	for frames < 20_000 && flood(f, frames) == nil {
		frames++
	}
	return frames
}

func headerBlock(path, method string) []byte {
	var b bytes.Buffer
	enc := hpack.NewEncoder(&b)
	for _, field := range [][2]string{{":method", method}, {":scheme", "https"}, {":authority", "localhost"}, {":path", path}} {
		enc.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	return b.Bytes()
}
