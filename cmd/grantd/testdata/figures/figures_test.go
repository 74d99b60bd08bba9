package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

// The pictures of the documents can be made again from what they were made of.
func TestGrowthIsDrawn(t *testing.T) {
	points, err := readPoints("../../../../docs/figures/growth.json")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := drawGrowth(points, folder); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"authorizations", "clients", "connections", "tls", "cores", "limit"} {
		text, err := os.ReadFile(filepath.Join(folder, name+".svg"))
		if err != nil {
			t.Error(err)
		}
		wellFormed(t, name, string(text))
	}
}

func TestFlame(t *testing.T) {
	function := func(name string) *profile.Location {
		return &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: name}}}}
	}
	serve, sign, multiply := function("net/http.(*conn).serve"), function("crypto/ecdsa.Sign[go.shape.*uint8]"), function("p256MulInternal")
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples"}, {Type: "cpu"}},
		Sample: []*profile.Sample{
			{Location: []*profile.Location{multiply, sign, serve}, Value: []int64{1, 30}},
			{Location: []*profile.Location{serve}, Value: []int64{1, 60}},
			{Location: []*profile.Location{function("runtime.gcBgMarkWorker")}, Value: []int64{1, 10}},
			{Location: []*profile.Location{function("runtime/pprof.profileWriter")}, Value: []int64{1, 500}},
		},
	}
	text := newFlame(p, "cpu").draw("a < b").String()
	wellFormed(t, "flame", text)
	for _, want := range []string{
		"HTTP and network 60 %", "signatures and TLS 30 %", "runtime and kernel 10 %", "ecdsa.Sign 30.0 %", "http.(*conn).serve 90.0 %", "a &lt; b",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
	if strings.Contains(text, "profileWriter") {
		t.Error("taking the profile is in the picture")
	}
}

func wellFormed(t *testing.T, name, text string) {
	t.Helper()
	if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Errorf("%s has a number that is none", name)
	}
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}
