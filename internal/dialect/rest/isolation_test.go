package rest

import (
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill"
)

// markers are all that the matrix's foreign account has and no other knows.
var markers = []string{
	foreignAccount, "marker-account-name", "marker-user", "marker-key", "marker-key-secret", "marker-sid", "marker-token", "role-other",
	"marker-app", "marker-app-secret", "marker-verify", "marker-client", "marker-client-secret", "marker-channel", "marker-channel-name",
	"999000111222", "marker-webhook", "marker-template", "marker-button", "marker-code", "marker-campaign", "888777666555",
}

// foreign returns all that the directory and the ledger hold of the foreign account.
func (f *fixture) foreign(t *rapid.T) []any {
	view := f.opt.Directory.View()
	account, _ := view.Account(foreignAccount)
	channel, _ := view.Channel("marker-channel")
	app, _ := view.App("marker-app")
	client, _ := view.MomoClient("marker-client")
	points, err := f.store.Points(t.Context(), waybill.Query{Channels: []waybill.ChannelNumber{channel.Number}, To: waybill.MaxInstant})
	if err != nil {
		t.Fatal(err)
	}
	segment, err := f.store.Segment(t.Context(), channel.Number, "s-1")
	if err != nil {
		t.Fatal(err)
	}
	return []any{
		account, channel, app, client, points, segment,
		view.Users(foreignAccount), view.TokensOf(foreignAccount), view.Templates("marker-channel"),
	}
}

// TestIsolation makes random calls in the roles of the own account and its ISV,
// about their own things and those of the foreign account. No answer has anything
// of the foreign account that the call did not have, and nothing of it changes.
func TestIsolation(outer *testing.T) {
	table := routes()
	rapid.Check(outer, func(t *rapid.T) {
		f := newMatrix(outer)
		defer func() {
			if err := f.opt.Recorder.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		before := f.foreign(t)
		for range rapid.IntRange(1, 15).Draw(t, "calls") {
			rt := rapid.SampledFrom(table).Draw(t, "route")
			role := rapid.SampledFrom([]string{"events", "metrics", "admin", "limited", "allowed", "denied", "explicit", "isv"}).Draw(t, "role")
			path, body := drawCall(t, &rt)
			w := f.do(rt.method, path, "role-"+role, body)
			if w.Code >= 500 {
				t.Fatalf("%s %s %s: answered %d %s", rt.method, path, body, w.Code, w.Body)
			}
			checkLeak(t, path+" "+body, w)
		}
		if after := f.foreign(t); !reflect.DeepEqual(before, after) {
			t.Errorf("of the foreign account there was\n%+v\nnow is\n%+v", before, after)
		}
	})
}

// drawCall returns the path and body of a call of a route. Each name in it is
// drawn by itself.
func drawCall(t *rapid.T, rt *route) (path, body string) {
	spec := requests[rt.id]
	draw := func(text string) string {
		for _, name := range []string{"{channel}", "{account}", "{user}", "{name}", "{id}", "{code}", "{label}"} {
			for strings.Contains(text, name) {
				o := rapid.SampledFrom(things).Draw(t, name)
				value := map[string]string{
					"{id}":    rapid.SampledFrom([]string{"m-1", "s-1", "own-key", "marker-key"}).Draw(t, "id"),
					"{code}":  rapid.SampledFrom([]string{"code", "none"}).Draw(t, "code"),
					"{label}": rapid.SampledFrom([]string{"template", "campaign", "sender", "kind"}).Draw(t, "label"),
				}[name]
				if value == "" {
					value = strings.ReplaceAll(o.fill(name), name, "x")
				}
				if value == "" {
					value = "x"
				}
				text = strings.Replace(text, name, value, 1)
			}
		}
		return text
	}
	var query []string
	if spec.query != "" && rapid.IntRange(0, 3).Draw(t, "as it should be") > 0 {
		query = append(query, draw(spec.query))
	}
	for _, more := range []string{"limit=1", "after=" + base64.RawURLEncoding.EncodeToString([]byte("a")), "channel=marker-channel"} {
		if rapid.IntRange(0, 7).Draw(t, "more") == 0 {
			query = append(query, more)
		}
	}
	path = draw(rt.path())
	if len(query) > 0 {
		path += "?" + strings.Join(query, "&")
	}
	return path, draw(spec.body)
}

func checkLeak(t *rapid.T, call string, w *httptest.ResponseRecorder) {
	answer := fmt.Sprint(w.Header()) + w.Body.String()
	for _, m := range markers {
		if strings.Contains(answer, m) && !strings.Contains(call, m) {
			t.Errorf("%s is answered with %s: %s", call, m, answer)
		}
	}
}
