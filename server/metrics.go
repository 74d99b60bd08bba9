package server

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/telemetry"
	"github.com/grantd/grantd/store"
)

// metrics are what a server tells of itself at GET /metrics of the operator's listener. All values of
// labels are words of ours: no client, no user and nothing that was sent is ever among them.
type metrics struct {
	*telemetry.Metrics
	requests  *telemetry.Requests
	flying    atomic.Int64
	refusals  *telemetry.Counters
	limited   *telemetry.Counters
	panics    *telemetry.Counters
	probes    *telemetry.Counters
	passwords *telemetry.Counters
	tokens    *telemetry.Counters
	rotations *telemetry.Counters
	notices   *telemetry.Counters
	tasks     *taskMetrics
	swept     *telemetry.Counters
}

var (
	grantLabel = telemetry.Label{Name: "grant_type", Values: []string{"authorization_code", "password", "refresh_token", "client_credentials"}}
	kindLabel  = telemetry.Label{Name: "kind", Values: []string{"access", "refresh", "id"}}
	cameTo     = telemetry.Label{Name: "outcome", Values: []string{"ok", "failed"}}
)

// limits are the names of those that turn requests away, as the settings have them.
var limits = map[reason.Word]string{
	reason.AccountLimit: "account", reason.PlaceLimit: "known_place", reason.AddressLimit: "address",
	reason.SignupLimit: "signup", reason.ClientLimit: "client", reason.RevokeLimit: "revocations",
}

// newMetrics are those of whatever has routes.
func newMetrics(version string) *metrics {
	all := telemetry.NewMetrics(version)
	m := &metrics{
		Metrics: all, requests: all.Requests(),
		refusals: all.Counters("refusals_total", "Requests that were refused, by the reason that \"grantd explain\" tells of.", telemetry.Label{Name: "reason", Values: reasons()}),
		limited:  all.Counters("limited_total", "Requests that a limit turned away.", telemetry.Label{Name: "limit", Values: slices.Sorted(maps.Values(limits))}),
		panics:   all.Counters("panics_total", "Requests in which a handler panicked."),
		probes:   all.Counters("readiness_probes_total", "Answers at /readyz.", cameTo),
	}
	m.Value(telemetry.Gauge, "http_requests_in_flight", "Requests that are being answered.", func() float64 { return float64(m.flying.Load()) })
	return m
}

// ofIssuing adds what a server that issues tokens has.
func (m *metrics) ofIssuing() {
	m.passwords = m.Counters("logins_total", "Passwords that somebody presented, by what became of it.",
		telemetry.Label{Name: "outcome", Values: loginOutcomes})
	m.tokens = m.Counters("tokens_issued_total", "Tokens that were given out.", grantLabel, kindLabel)
	m.rotations = m.Counters("refresh_rotations_total", "What became of refresh tokens that were genuine and of the client that sent them.",
		telemetry.Label{Name: "outcome", Values: store.Outcomes()})
	m.notices = m.Counters("backchannel_notices_total", "Notices of a logout to clients that were delivered or given up.", cameTo)
	m.swept = m.Counters("sweep_rows_total", "Expired rows that the sweep deleted.")
	m.tasks = newTaskMetrics(m.Metrics)
}

// outcomeOf is what cameTo calls it.
func outcomeOf(err error) string {
	if err != nil {
		return "failed"
	}
	return "ok"
}

// statuses are classes of status codes, by their first digit.
var statuses = [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// count counts a request that was answered, or left without an answer.
func (m *metrics) count(r *http.Request, x *exchange, start time.Time) {
	m.flying.Add(-1)
	kind := telemetry.Request{Method: methodOf(r), Route: x.rec.route, Status: "other", Outcome: x.rec.outcome, GrantType: x.rec.grantType}
	if class := x.out.status / 100; class >= 0 && class < len(statuses) {
		kind.Status = statuses[class]
	}
	if x.rec.outcome == unsupportedGrantType {
		kind.GrantType = "other"
	}
	m.requests.Count(kind, time.Since(start))
	if why := x.rec.reason; why != "" {
		m.refusals.Inc(string(why))
		if limit := limits[why]; limit != "" {
			m.limited.Inc(limit)
		}
	}
	x.endSpan(kind)
}

// reasons are all words for why a request is refused.
func reasons() (words []string) {
	for _, g := range reason.Groups() {
		for _, e := range g.Entries {
			words = append(words, string(e.Word))
		}
	}
	return words
}

// limited is a login that was not judged, because there were too many before.
const limited = "limited"

var loginOutcomes = []string{
	"ok", limited, string(reason.UserUnknown), string(reason.WrongPassword), string(reason.UserDisabled), string(reason.PasswordTooLong),
	string(reason.TooManyLogins), string(reason.HasherFailed), string(reason.DatabaseUnavailable),
}

// login counts what became of a password that somebody presented.
func (m *metrics) login(err error) {
	var e *Error
	switch {
	case err == nil:
		m.passwords.Inc("ok")
	case !errors.As(err, &e):
		m.passwords.Inc(string(asError(err, "").Reason))
	case e.Status == http.StatusTooManyRequests:
		m.passwords.Inc(limited)
	default:
		m.passwords.Inc(string(e.Reason))
	}
}

// issued counts the tokens of an answer.
func (m *metrics) issued(grantType string, info oauth2.TokenInfo) {
	m.tokens.Inc(grantType, "access")
	if info.GetRefresh() != "" {
		m.tokens.Inc(grantType, "refresh")
	}
	if _, ok := info.(*signedInfo); ok {
		m.tokens.Inc(grantType, "id")
	}
}
