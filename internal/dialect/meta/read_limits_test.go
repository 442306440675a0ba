package meta_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/storetest"
)

const overLimit = "(#80008) There have been too many calls to this WhatsApp Business account. Wait a bit and try again. " +
	"For more info, please refer to https://developers.facebook.com/docs/graph-api/overview/rate-limiting."

// TestLimit makes five calls where four an hour are allowed.
func TestLimit(t *testing.T) {
	g := newGraph(t, openStore(t), readFile(t, tenantsFile), 4)
	usage := func(calls, minutes int) string {
		return fmt.Sprintf(`{"%s":[{"type":"whatsapp_business_management","call_count":%d,"total_cputime":0,"total_time":0,`+
			`"estimated_time_to_regain_access":%d}]}`, pacific, calls, minutes)
	}
	path := "/v25.0/" + pacific + "?fields=id"
	for i := 1; i <= 4; i++ {
		w := g.get(path)
		wantAnswer(t, w, pacificID)
		if got, want := w.Header().Get("X-App-Usage"), fmt.Sprintf(`{"call_count":%d,"total_cputime":0,"total_time":0}`, 25*i); got != want {
			t.Errorf("call %d: X-App-Usage %s, want %s", i, got, want)
		}
		if got, want := w.Header().Get("X-Business-Use-Case-Usage"), usage(25*i, 0); got != want {
			t.Errorf("call %d: X-Business-Use-Case-Usage %s, want %s", i, got, want)
		}
	}
	g.clock.pass(30 * time.Second)
	w := g.get(path)
	wantFailure(t, w, http.StatusBadRequest, 80008, 0, "OAuthException", overLimit)
	if !failureOf(t, w).Transient {
		t.Errorf("%s is not transient", w.Body)
	}
	// One call comes back every quarter of an hour, rounded up to minutes.
	if got, want := w.Header().Get("X-Business-Use-Case-Usage"), usage(99, 15); got != want {
		t.Errorf("over the limit: X-Business-Use-Case-Usage %s, want %s", got, want)
	}

	t.Run("other accounts, apps and tenants have limits of their own", func(t *testing.T) {
		wantAnswer(t, g.get("/v25.0/"+kathmandu+"?fields=id"), `{"id":"102290129340399"}`)
		wantAnswer(t, g.raw("GET "+path+" HTTP/1.1\nAuthorization: Bearer lucky-management-token"), pacificID)
		wantAnswer(t, g.raw("GET /v25.0/"+rivals+"?fields=id HTTP/1.1\nAuthorization: Bearer rival-token"), `{"id":"102290129340400"}`)
	})
	t.Run("two tenants without an app have limits of their own on one account", func(t *testing.T) {
		call := "GET /v25.0/" + kathmandu + "?fields=id HTTP/1.1\nAuthorization: Bearer "
		for range 4 {
			g.raw(call + "lucky-management-token")
		}
		wantFailure(t, g.raw(call+"lucky-management-token"), http.StatusBadRequest, 80008, 0, "OAuthException", overLimit)
		wantAnswer(t, g.raw(call+"partner-token"), `{"id":"102290129340399"}`)
	})
	t.Run("an edge and a refused method are calls too", func(t *testing.T) {
		for _, request := range []string{"GET /v25.0/" + pacific + "/x", "POST /v25.0/" + pacific} {
			w := g.raw(request + " HTTP/1.1\nAuthorization: Bearer lucky-token")
			wantFailure(t, w, http.StatusBadRequest, 80008, 0, "OAuthException", overLimit)
		}
	})
	t.Run("refused calls do not count", func(t *testing.T) {
		g.clock.pass(15*time.Minute - 30*time.Second)
		wantAnswer(t, g.get(path), pacificID)
		wantFailure(t, g.get(path), http.StatusBadRequest, 80008, 0, "OAuthException", overLimit)
	})
}

// TestConcurrentCalls asks from several sides while the directory changes. No call
// may change what the directory has.
func TestConcurrentCalls(t *testing.T) {
	g := lucky(t)
	g.record(`{"channel": "102290129340397", "message": "a", "status": "delivered", "at": "2026-01-15T12:00:00Z", "sender": "5312345675"}`)
	const path = "/v25.0/102290129340397?fields=analytics.start(2026-01-01).end(2026-02-01).granularity(MONTH)"
	want := g.get(path).Body.String()
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			for range 50 {
				wantAnswer(t, g.get(path), want)
			}
		})
	}
	document := readFile(t, tenantsFile)
	for i := range 20 {
		g.apply(strings.Replace(document, "Lucky Shrub", fmt.Sprint("Lucky Shrub ", i), 1))
	}
	calls.Wait()
	c, _ := g.directory.View().Channel("102290129340397")
	if want := []string{"5312345678", "5312345676", "5312345677"}; !slices.Equal(c.Senders, want) {
		t.Errorf("the directory has the numbers %s, want %s", c.Senders, want)
	}
}

// TestNoLimit makes many calls where none is refused.
func TestNoLimit(t *testing.T) {
	g := lucky(t)
	for range 300 {
		w := g.get("/v25.0/" + pacific + "?fields=id")
		if w.Code != http.StatusOK || w.Header().Get("X-App-Usage") != `{"call_count":0,"total_cputime":0,"total_time":0}` {
			t.Fatalf("%d %s with X-App-Usage %s", w.Code, w.Body, w.Header().Get("X-App-Usage"))
		}
	}
}

// TestLongFields checks the bound of 8192 characters, that one call may ask for
// many fields within it, and that no error is longer than what was asked.
func TestLongFields(t *testing.T) {
	g := lucky(t)
	ask := func(fields string) (int, string) {
		w := g.get("/v25.0/" + pacific + "?fields=" + url.QueryEscape(fields))
		return w.Code, w.Body.String()
	}
	const call = "analytics.start(1).end(2).granularity(DAY).phone_numbers("
	padded := call + strings.Repeat("1", 8192-len(call)-1) + ")"
	if status, body := ask(padded); status != http.StatusOK {
		t.Errorf("8192 characters: %d %.200s", status, body)
	}
	if status, body := ask("id," + padded); status != http.StatusBadRequest ||
		!strings.Contains(body, `Syntax error \"Expected at most 8192 characters.\" at character 8192: id,analytics`) || len(body) > 500 {
		t.Errorf("8195 characters: %d %.1000s", status, body)
	}
	if status, body := ask(strings.Repeat("\xff", 9000)); status != http.StatusBadRequest || len(body) > 1000 {
		t.Errorf("9000 bytes of no UTF-8: %d %.1000s", status, body)
	}
	var many []string
	for i := range 200 {
		many = append(many, fmt.Sprintf("name.as(n%d)", i))
	}
	if status, body := ask(strings.Join(many, ",")); status != http.StatusOK || strings.Count(body, "Lucky Shrub") != 200 {
		t.Errorf("200 fields: %d %.200s", status, body)
	}
	if status, body := ask(strings.Join(append(many, "id"), ",")); status != http.StatusBadRequest ||
		!strings.Contains(body, "Expected at most 200 fields.") {
		t.Errorf("201 fields: %d %.200s", status, body)
	}
	if status, body := ask(strings.Repeat("analytics{", 9)); status != http.StatusBadRequest ||
		!strings.Contains(body, "Expected at most 8 levels of fields.") {
		t.Errorf("9 levels: %d %.200s", status, body)
	}
}

// A brokenStore fails to answer.
type brokenStore struct {
	*storetest.Model
	points, values error
}

func (s *brokenStore) Points(ctx context.Context, q waybill.Query) ([]waybill.Point, error) {
	if s.points != nil {
		return nil, s.points
	}
	return s.Model.Points(ctx, q)
}

func (s *brokenStore) Values(ctx context.Context, c waybill.ChannelNumber, l waybill.Label) ([]string, error) {
	if s.values != nil {
		return nil, s.values
	}
	return s.Model.Values(ctx, c, l)
}

// TestStoreFailures checks what a caller learns when the store fails: what he can
// do about it, and nothing of the cause.
func TestStoreFailures(t *testing.T) {
	secret := errors.New("disk /dev/sda1 is on fire")
	tests := []struct {
		name         string
		err          error
		status, code int
		message      string
		logged       bool
	}{
		{"an unknown failure", secret, 500, 1, "(#1) An unknown error occurred", true},
		{"an overload", &waybill.Error{Code: waybill.Unavailable, Message: "busy"}, 503, 2, "(#2) Service temporarily unavailable", false},
		{"a caller who is gone", fmt.Errorf("scan: %w", context.Canceled), 503, 2, "(#2) Service temporarily unavailable", false},
		{"an answer that is too large", waybill.Errorf(waybill.TooLarge, "more than 5 points"), 400, 100, "(#100) more than 5 points", false},
	}
	for _, tt := range tests {
		for _, store := range []*brokenStore{
			{Model: storetest.NewModel(), points: tt.err}, {Model: storetest.NewModel(), values: tt.err},
		} {
			t.Run(tt.name, func(t *testing.T) {
				g := newGraph(t, store, readFile(t, tenantsFile), 0)
				w := g.get("/v25.0/" + pacific + "?fields=id,analytics.start(1).end(2).granularity(DAY)")
				wantFailure(t, w, tt.status, tt.code, 0, "OAuthException", tt.message)
				if f := failureOf(t, w); f.Transient != (tt.status >= 500) {
					t.Errorf("%s says the wrong thing of repeating", w.Body)
				}
				if retry := w.Header().Get("Retry-After"); (retry != "") != (tt.status == 503) {
					t.Errorf("status %d with Retry-After %q", w.Code, retry)
				}
				if strings.Contains(g.log.String(), secret.Error()) != tt.logged {
					t.Errorf("the log says: %s", g.log)
				}
			})
		}
	}
}

// TestSeriesOfOneCall asks for as many series and edges as one call may, and for
// one more.
func TestSeriesOfOneCall(t *testing.T) {
	g := lucky(t)
	for name, field := range map[string]string{
		"analytics": "analytics.start(1).end(2).granularity(DAY).as(a%d)", "edges": "message_templates.limit(1).as(a%d)",
		"pricing": "pricing_analytics.start(1).end(2).granularity(DAILY).as(a%d)",
	} {
		t.Run(name, func(t *testing.T) {
			var list []string
			for i := range 20 {
				list = append(list, fmt.Sprintf(field, i))
			}
			target := "/v25.0/" + shop + "?fields=" + strings.Join(list, ",")
			if w := g.shopGet(target); w.Code != http.StatusOK {
				t.Errorf("20 are answered %d %s", w.Code, w.Body)
			}
			wantFailure(t, g.shopGet(target+","+fmt.Sprintf(field, 20)), http.StatusBadRequest, 100, 0, "OAuthException",
				"(#100) The call asks for analytics and edges 21 times, more than 20")
		})
	}
}
