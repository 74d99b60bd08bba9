package telemetry

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// sender posts spans to a collector (OTLP/HTTP, in protobuf). It is an otlptrace.Client. That of
// OpenTelemetry, otlptracehttp, would bring gRPC along: five megabytes of a program that never uses it.
type sender struct {
	http     *http.Client
	endpoint string
	headers  http.Header
	gzip     bool
	time     time.Duration // for one batch, what is tried again included
}

const (
	sendAttempts = 3
	sendPause    = 500 * time.Millisecond // before the second attempt; twice that before the next
	maxSendReply = 4 << 10                // bytes that are read of an answer
)

// newSender reads OTEL_EXPORTER_OTLP_… (https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
func newSender() (*sender, error) {
	s := &sender{headers: http.Header{}, time: 10 * time.Second}
	var err error
	if s.endpoint, err = endpointOf(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")); err != nil {
		return nil, err
	}
	if given := variable("TIMEOUT"); given != "" {
		ms, err := strconv.Atoi(given)
		if err != nil || ms <= 0 {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT is %q; set it to milliseconds, such as 10000", given)
		}
		s.time = time.Duration(ms) * time.Millisecond
	}
	switch compression := variable("COMPRESSION"); compression {
	case "", "none":
	case "gzip":
		s.gzip = true
	default:
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_COMPRESSION is %q; set it to gzip, or to none", compression)
	}
	for _, list := range []string{os.Getenv("OTEL_EXPORTER_OTLP_HEADERS"), os.Getenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS")} {
		if err := s.addHeaders(list); err != nil {
			return nil, err
		}
	}
	certificates, err := tlsOf(variable("CERTIFICATE"), variable("CLIENT_CERTIFICATE"), variable("CLIENT_KEY"))
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = certificates
	s.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s, nil
}

// endpointOf: the URL for traces is taken as it is; that for all signals gets their path.
func endpointOf(forTraces, forAll string) (string, error) {
	name, given := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", forTraces
	if given == "" {
		name, given = "OTEL_EXPORTER_OTLP_ENDPOINT", strings.TrimSuffix(cmp.Or(forAll, "http://localhost:4318"), "/")+"/v1/traces"
	}
	u, err := url.Parse(given)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		// The text is not repeated: it may hold a password.
		return "", fmt.Errorf("%s is no http or https URL; set it to that of the collector, such as http://localhost:4318", name)
	}
	return u.String(), nil
}

// addHeaders reads name=value,name=value, with values percent-encoded.
func (s *sender) addHeaders(list string) error {
	for pair := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil || strings.TrimSpace(name) == "" {
			return errors.New("OTEL_EXPORTER_OTLP_HEADERS cannot be read; write name=value,name=value, with values percent-encoded")
		}
		s.headers.Set(strings.TrimSpace(name), value)
	}
	return nil
}

// tlsOf reads the files of certificates, in PEM, if they are named.
func tlsOf(authority, certificate, key string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if authority != "" {
		pem, err := os.ReadFile(authority)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: there is no certificate in %s", authority)
		}
	}
	if certificate != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, OTEL_EXPORTER_OTLP_CLIENT_KEY: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// Start is that of otlptrace.Client.
func (s *sender) Start(context.Context) error { return nil }

// Stop is that of otlptrace.Client.
func (s *sender) Stop(context.Context) error {
	s.http.CloseIdleConnections()
	return nil
}

// UploadTraces is that of otlptrace.Client. What cannot be sent in time is lost: requests do not wait for
// a collector.
func (s *sender) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	ctx, cancel := context.WithTimeout(ctx, s.time)
	defer cancel()
	// It has the bytes of an ExportTraceServiceRequest, whose package imports gRPC.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	if s.gzip {
		body = gzipped(body)
	}
	for n, pause := 1, sendPause; ; n, pause = n+1, 2*pause {
		again, err := s.post(ctx, body)
		if err == nil || !again || n == sendAttempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func gzipped(body []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(body) // into memory: it cannot fail
	w.Close()
	return out.Bytes()
}

// post sends once, and tells whether it might go better the next time.
func (s *sender) post(ctx context.Context, body []byte) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	r.Header = s.headers.Clone()
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "grantd")
	if s.gzip {
		r.Header.Set("Content-Encoding", "gzip")
	}
	res, err := s.http.Do(r)
	if err != nil {
		if e := (*url.Error)(nil); errors.As(err, &e) {
			err = e.Err // without the URL, which may hold a password
		}
		return true, fmt.Errorf("traces could not be sent to %s: %w", r.URL.Host, err)
	}
	defer res.Body.Close()
	io.CopyN(io.Discard, res.Body, maxSendReply) // so that the connection can be used again
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		again = true
	}
	if res.StatusCode/100 != 2 {
		return again, fmt.Errorf("traces were refused by %s with status %d", r.URL.Host, res.StatusCode)
	}
	return false, nil
}
