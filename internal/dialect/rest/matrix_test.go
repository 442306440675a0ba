package rest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"waybill/internal/ram"
)

var update = flag.Bool("update", false, "write what is into testdata/matrix.txt: read its diff")

// A request is how an operation is called so that who may do it succeeds.
type request struct {
	query, body string // with the names of a thing in braces
	about       bool   // the thing stands in the query or the body, not in the path
	count       func([]byte) int
}

// countOf counts the elements of a list in an answer.
func countOf(list string) func([]byte) int {
	return func(body []byte) int {
		var answer map[string]json.RawMessage
		var items []json.RawMessage
		_ = json.Unmarshal(body, &answer)
		_ = json.Unmarshal(answer[list], &items)
		return len(items)
	}
}

const oneEvent = `{"channel":"{channel}","message":"m-2","status":"sent","at":"2026-11-20T10:00:00Z"}`

// requests are the calls that need more than their path.
var requests = map[string]request{
	"postEvents": {body: oneEvent, about: true, count: func(body []byte) int {
		return 1 - countOf("rejected")(body)
	}},
	"getMetrics":            {query: "from=2026-11-01&to=2026-11-21&channel={channel}", about: true, count: countOf("points")},
	"getLabelValues":        {query: "channel={channel}&from=2026-11-01&to=2026-11-21", about: true, count: countOf("values")},
	"listMessages":          {query: "channel={channel}&metric=sent&from=2026-11-01&to=2026-11-21", about: true, count: countOf("messages")},
	"listChannels":          {count: countOf("channels")},
	"putChannel":            {body: `{"provider":"waba"}`},
	"deleteChannel":         {query: "confirm={channel}"},
	"getTemplate":           {query: "language=en"},
	"putTemplate":           {query: "language=en", body: `{"name":"new"}`},
	"deleteTemplate":        {query: "language=en"},
	"listAccounts":          {count: countOf("accounts")},
	"listTemplates":         {count: countOf("templates")},
	"listUsers":             {count: countOf("users")},
	"listAccessKeys":        {count: countOf("access_keys")},
	"listTokens":            {count: countOf("tokens")},
	"listSegments":          {count: countOf("segments")},
	"putAccount":            {body: `{"name":"new"}`},
	"deleteAccount":         {query: "confirm={account}"},
	"putUser":               {body: `{"policies":[]}`},
	"patchAccessKey":        {body: `{"disabled":true}`},
	"postToken":             {body: `{"name":"new","scopes":["metrics:read"]}`},
	"postTemporaryKey":      {body: `{"account":"{account}","user":"{user}"}`, about: true},
	"postAccessExplanation": {body: `{"account":"{account}","user":"{user}","action":"cams:GetChatappTemplateMetric"}`, about: true},
	"putSegment":            {body: `{"campaign":"new"}`},
	"postSegments":          {body: `{"segment":"new"}`, count: func(body []byte) int { return 1 - countOf("rejected")(body) }},
	"postSnapshots":         {body: `{"at":"2026-11-20T10:00:00Z","sent":1}`},
	"postDirectory":         {query: "dry_run=true", body: "accounts: []"},
	"postErasure":           {body: `{"recipient":"62812"}`},
	"postBackup":            {body: `{"directory":"/tmp/nowhere"}`},
}

// fill puts the names of a thing into a text.
func (o *thing) fill(text string) string {
	return strings.NewReplacer("{channel}", o.channel, "{account}", o.account, "{user}", o.user, "{name}", o.token,
		"{code}", "code", "{label}", "template", "{id}", "{id}").Replace(text)
}

// thingsOf returns what a route can be about: nothing, channels, or accounts.
func thingsOf(rt *route) []thing {
	ask := requests[rt.id]
	text := rt.pattern
	if ask.about {
		text += ask.query + ask.body
	}
	switch {
	case strings.Contains(text, "{channel}"):
		return things
	case strings.Contains(text, "{account}"):
		return []thing{things[0], things[2], things[3]}
	}
	return []thing{{name: "-"}}
}

// ask sends the call of a route about a thing.
func (f *fixture) ask(rt *route, o *thing, token string) *httptest.ResponseRecorder {
	if token == "operator" {
		token = f.operator
	}
	spec := requests[rt.id]
	path := o.fill(rt.path())
	id := "m-1"
	switch {
	case strings.Contains(rt.pattern, "/segments/"):
		id = "s-1"
	case strings.Contains(rt.pattern, "/access-keys/"):
		id = o.key
	}
	path = strings.ReplaceAll(path, "{id}", id)
	if spec.query != "" {
		path += "?" + o.fill(spec.query)
	}
	body := o.fill(spec.body)
	if rt.id == "putChannel" && token == f.operator {
		body = strings.Replace(body, "{", `{"account":"`+f.ownerOf(o.channel)+`",`, 1)
	}
	return f.do(rt.method, path, token, body)
}

// ownerOf returns the account of a channel, or one that may own it.
func (f *fixture) ownerOf(channel string) string {
	if c, ok := f.opt.Directory.View().Channel(channel); ok {
		return c.Account
	}
	return ownAccount
}

// close ends what a fixture of the matrix runs.
func (f *fixture) close(t testing.TB) {
	if err := f.opt.Recorder.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestMatrix calls every route in every role, about each sort of thing, and
// compares with testdata/matrix.txt.
func TestMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of calls")
	}
	const file = "testdata/matrix.txt"
	text, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	want := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 2 && !strings.HasPrefix(line, "#") {
			want[fields[0]+" "+fields[1]] = strings.Join(fields[2:], " ")
		}
	}
	var table bytes.Buffer
	table.WriteString(matrixHead)
	fmt.Fprintf(&table, "%-22s %-8s", "# operation", "about")
	for _, r := range roles {
		fmt.Fprintf(&table, " %-8s", r.name)
	}
	table.WriteByte('\n')
	for _, rt := range routes() {
		for _, o := range thingsOf(&rt) {
			row := matrixRow(t, &rt, &o)
			fmt.Fprintf(&table, "%-22s %-8s", rt.id, o.name)
			for _, cell := range row {
				fmt.Fprintf(&table, " %-8s", cell)
			}
			table.WriteByte('\n')
			key := rt.id + " " + o.name
			switch known, ok := want[key]; {
			case !ok && !*update:
				t.Errorf("%s has no row for %s", file, key)
			case known != strings.Join(row, " ") && !*update:
				t.Errorf("%s\nis   %s\nwant %s", key, strings.Join(row, " "), known)
			}
			delete(want, key)
		}
	}
	if *update {
		lines := regexp.MustCompile(` +\n`).ReplaceAll(table.Bytes(), []byte("\n"))
		if err := os.WriteFile(file, lines, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for key := range want {
		t.Errorf("%s has a row for %s, which is no call", file, key)
	}
}

const matrixHead = `# What each call answers to each role, by what the call is about. Written with
# go test ./internal/dialect/rest -run TestMatrix -update; read the diff.
#
# none: no token. wrong: an unknown one. expired: an admin's that has expired.
# other: the admin of the account to which the foreign things belong.
# events, metrics, admin: tokens of the own account with that scope alone.
# limited: an admin of the own account, limited to the channel own.
# allowed, denied, explicit: admins bound to a user whose policies allow all of
# the account, allow nothing, or deny the channel own and the account.
# isv: the admin of the account that operates the channel shared.
# operator: the installation's own token.
#
# A number after the status counts what the answer lists or took.
#
`

func matrixRow(t *testing.T, rt *route, o *thing) []string {
	t.Helper()
	var row []string
	for _, role := range roles {
		f := newMatrix(t)
		w := f.ask(rt, o, role.token)
		cell := fmt.Sprint(w.Code)
		if count := requests[rt.id].count; count != nil && w.Code < 300 {
			cell += fmt.Sprintf("/%d", count(w.Body.Bytes()))
		}
		row = append(row, cell)
		checkCell(t, rt, o, role.name, w)
		f.close(t)
	}
	return row
}

// checkCell holds what no table may change.
func checkCell(t *testing.T, rt *route, o *thing, role string, w *httptest.ResponseRecorder) {
	t.Helper()
	stranger := slices.Contains([]string{"none", "wrong", "expired"}, role)
	if !rt.open && stranger != (w.Code == http.StatusUnauthorized) {
		t.Errorf("%s of %s by %s answers %d", rt.id, o.name, role, w.Code)
	}
	if w.Code >= 500 {
		t.Errorf("%s of %s by %s answers %d %s", rt.id, o.name, role, w.Code, w.Body)
	}
	if role != "other" && role != "operator" && o.name == "foreign" {
		alike(t, rt, o, role, w)
	}
}

// alike checks that a foreign thing is answered as one that does not exist.
func alike(t *testing.T, rt *route, o *thing, role string, w *httptest.ResponseRecorder) {
	t.Helper()
	if rt.id == "putChannel" {
		return // which makes what does not exist
	}
	unknown := things[3]
	f := newMatrix(t)
	defer f.close(t)
	i := slices.IndexFunc(roles, func(r struct{ name, token string }) bool { return r.name == role })
	u := f.ask(rt, &unknown, roles[i].token)
	names := strings.NewReplacer(unknown.channel, "x", unknown.account, "x", unknown.user, "x", unknown.key, "x", unknown.token, "x",
		o.channel, "x", o.account, "x", o.user, "x", o.key, "x", o.token, "x")
	if a, b := names.Replace(w.Body.String()), names.Replace(u.Body.String()); w.Code != u.Code || a != b {
		t.Errorf("%s by %s answers of a foreign thing %d %s, of an unknown one %d %s", rt.id, role, w.Code, a, u.Code, b)
	}
}

// TestPoliciesKnowEveryCall compares the table of routes with the actions that
// policies can name.
func TestPoliciesKnowEveryCall(t *testing.T) {
	var served, known []string
	for _, rt := range routes() {
		if !rt.open {
			served = append(served, rt.action())
		}
	}
	for _, o := range ram.Operations() {
		if o.Resources {
			known = append(known, o.Action)
		}
	}
	slices.Sort(served)
	slices.Sort(known)
	if !slices.Equal(served, known) {
		t.Errorf("the calls are\n%q\npolicies know\n%q", served, known)
	}
}
