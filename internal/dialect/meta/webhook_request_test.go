package meta

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the signature that is refused
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"waybill"
)

const oneStatus = `{"object":"whatsapp_business_account","entry":[{"id":"900100","changes":[{"field":"messages",` +
	`"value":{"metadata":{"display_phone_number":"13125550142"},"statuses":[` +
	`{"id":"wamid.1","status":"sent","timestamp":"1771000000","recipient_id":"4917012345678"}]}}]}]}`

func TestSignature(t *testing.T) {
	hash := func(secret, body string) string { return hex.EncodeToString(sign(secret, []byte(body))) }
	right := hash("lucky-new", oneStatus)
	old := hmac.New(sha1.New, []byte("lucky-new"))
	old.Write([]byte(oneStatus))
	for _, tt := range []struct {
		name   string
		path   string
		header []string
		want   int
	}{
		{"the present secret", "71", []string{"sha256=" + right}, 200},
		{"the secret before the rotation", "71", []string{"sha256=" + hash("lucky-old", oneStatus)}, 200},
		{"upper case", "71", []string{"sha256=" + strings.ToUpper(right)}, 200},
		{"another app's secret", "71", []string{"sha256=" + hash("rival-secret", oneStatus)}, 401},
		{"another app's path", "72", []string{"sha256=" + right}, 401},
		{"an app that does not exist", "79", []string{"sha256=" + right}, 401},
		{"an app that does not exist, signed with no secret", "79", []string{"sha256=" + hash("", oneStatus)}, 401},
		{"no app where there are several", "", []string{"sha256=" + right}, 401},
		{"a path below the app", "71/x", []string{"sha256=" + right}, 401},
		{"another body", "71", []string{"sha256=" + hash("lucky-new", oneStatus+" ")}, 401},
		{"no signature", "71", nil, 401},
		{"an empty signature", "71", []string{""}, 401},
		{"no algorithm", "71", []string{right}, 401},
		{"another algorithm", "71", []string{"sha1=" + hex.EncodeToString(old.Sum(nil))}, 401},
		{"the algorithm in upper case", "71", []string{"SHA256=" + right}, 401},
		{"one digit too few", "71", []string{"sha256=" + right[:63]}, 401},
		{"one digit too many", "71", []string{"sha256=" + right + "0"}, 401},
		{"no hexadecimal", "71", []string{"sha256=" + right[:63] + "g"}, 401},
		{"the first half", "71", []string{"sha256=" + right[:32]}, 401},
		{"half of it right", "71", []string{"sha256=" + right[:32] + strings.Repeat("0", 32)}, 401},
		{"two signatures", "71", []string{"sha256=" + right, "sha256=" + right}, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			r := request("/webhooks/meta/"+tt.path, "", []byte(oneStatus))
			r.Header["X-Hub-Signature-256"] = tt.header
			w := b.do(r)
			if w.Code != tt.want {
				t.Errorf("answered %d %s, want %d", w.Code, w.Body, tt.want)
			}
			if b.store.commits != map[int]int{200: 1, 401: 0}[tt.want] {
				t.Errorf("%d commits after status %d", b.store.commits, w.Code)
			}
		})
	}
}

// A stranger must not learn which apps exist.
func TestUnknownAppIsAnsweredLikeAWrongSignature(t *testing.T) {
	b := newBench(t)
	answer := func(path string) string {
		w := b.do(request(path, "guess", []byte(oneStatus)))
		var body envelope
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		body.Error.TraceID = ""
		return fmt.Sprint(w.Code, body, w.Header())
	}
	if known, unknown := answer("/webhooks/meta/71"), answer("/webhooks/meta/79"); known != unknown {
		t.Errorf("a known app is answered %s, an unknown one %s", known, unknown)
	}
	shake := func(path string) string {
		return fmt.Sprint(b.do(httptest.NewRequest("GET", path+"?hub.mode=subscribe&hub.challenge=1&hub.verify_token=", nil)).Code)
	}
	if known, unknown := shake("/webhooks/meta/71"), shake("/webhooks/meta/79"); known != "403" || unknown != "403" {
		t.Errorf("handshakes are answered %s and %s, want 403", known, unknown)
	}
}

func TestOneAppNeedsNoPath(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/webhooks/meta", "/webhooks/meta/"} {
		if app := b.hook.app(b.directory.View(), path); app.ID != "" {
			t.Errorf("with three apps %s is app %s", path, app.ID)
		}
	}
	one := newBench(t)
	document := strings.ReplaceAll(strings.ReplaceAll(tenants, `apps: [{id: "72"`, `xapps: [{id: "72"`), `apps: [{id: "73"`, `xapps: [{id: "73"`)
	var kept []string
	for line := range strings.Lines(document) {
		if !strings.Contains(line, "xapps") {
			kept = append(kept, line)
		}
	}
	one.prune(strings.Join(kept, ""))
	for _, path := range []string{"/webhooks/meta", "/webhooks/meta/", "/webhooks/meta/71"} {
		if w := one.do(request(path, "lucky-new", []byte(oneStatus))); w.Code != 200 {
			t.Errorf("%s answered %d %s", path, w.Code, w.Body)
		}
	}
}

func TestBadRequests(t *testing.T) {
	deep := func(levels int) string {
		n := levels - 1 // one is the object
		return `{"object":"whatsapp_business_account","entry":[],"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	sized := func(n int) string {
		const head, tail = `{"object":"whatsapp_business_account","x":"`, `","entry":[]}`
		return head + strings.Repeat("x", n-len(head)-len(tail)) + tail
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(oneStatus))
	_ = z.Close()
	for _, tt := range []struct {
		name, body  string
		header      string
		want        int
		wantMessage string
	}{
		{"a good body", oneStatus, "", 200, ""},
		{"JSON with a charset", oneStatus, "Content-Type: application/json; charset=utf-8", 200, ""},
		{"no content type", oneStatus, "Content-Type:", 200, ""},
		{"another JSON type", oneStatus, "Content-Type: application/cloudevents+json", 200, ""},
		{"a form", oneStatus, "Content-Type: application/x-www-form-urlencoded", 415, "x-www-form-urlencoded"},
		{"parts", oneStatus, "Content-Type: multipart/form-data; boundary=x", 415, "multipart"},
		{"a broken content type", oneStatus, "Content-Type: ;;", 415, ";;"},
		{"gzip", zipped.String(), "Content-Encoding: gzip", 415, "gzip"},
		{"identity encoding", oneStatus, "Content-Encoding: identity", 200, ""},
		{"empty", "", "", 400, "entry"},
		{"white space", " \n", "", 400, "entry"},
		{"cut off", oneStatus[:len(oneStatus)-1], "", 400, "ends early"},
		{"cut off within a text", oneStatus[:40], "", 400, "ends early"},
		{"no JSON", "hello", "", 400, "not JSON"},
		{"a form in disguise", "a=b", "", 400, "not JSON"},
		{"more behind it", oneStatus + "{}", "", 400, "more behind"},
		{"a stray bracket behind it", oneStatus + "]", "", 400, "not JSON"},
		{"an array", "[" + oneStatus + "]", "", 400, "entry"},
		{"a name twice at the top", `{"object":"whatsapp_business_account","entry":[],"entry":[]}`, "", 400, "/entry"},
		{"a name twice, once escaped", `{"object":"whatsapp_business_account","entry":[],"x":{"\u0061":1,"a":2}}`, "", 400, "/x/a"},
		{"a name twice deep within", strings.Replace(oneStatus, `"status"`, `"id":"wamid.2","status"`, 1), "", 400, "/entry/0/changes/0/value/statuses/0/id"},
		{"a name twice where nothing is read", strings.Replace(oneStatus, `"status"`, `"future":[{"a":{"b":1,"b":2}}],"status"`, 1), "", 400, "twice"},
		{"another object", strings.Replace(oneStatus, "whatsapp_business_account", "page", 1), "", 400, `"page"`},
		{"an object that is no text", strings.Replace(oneStatus, `"whatsapp_business_account"`, "[]", 1), "", 400, `object is ""`},
		{"no object, as in some examples of Meta's", strings.Replace(oneStatus, `"object":"whatsapp_business_account",`, "", 1), "", 200, ""},
		{"no entry", `{"object":"whatsapp_business_account"}`, "", 400, "entry"},
		{"an entry that is no array", `{"object":"whatsapp_business_account","entry":{}}`, "", 400, "entry"},
		{"64 levels", deep(64), "", 200, ""},
		{"65 levels", deep(65), "", 400, "deeper than 64"},
		{"a million levels", strings.Repeat("[", 1_000_000), "", 400, "deeper than 64"},
		{"3 MB", sized(3 << 20), "", 200, ""},
		{"one byte more", sized(3<<20 + 1), "", 413, "3145728"},
		{"4 MB", sized(4 << 20), "", 413, "3145728"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			r := request("/webhooks/meta/71", "lucky-new", []byte(tt.body))
			if name, value, ok := strings.Cut(tt.header, ":"); ok {
				r.Header.Set(name, strings.TrimSpace(value))
			}
			w := b.do(r)
			if w.Code != tt.want {
				t.Fatalf("answered %d %s, want %d", w.Code, w.Body, tt.want)
			}
			if tt.want == 200 {
				return
			}
			wantError(t, w, tt.wantMessage)
			if lines := b.everything("900100"); len(lines) != 0 {
				t.Errorf("counted %q", lines)
			}
		})
	}
}

// wantError checks that w is an error in the form of the Graph API.
func wantError(t *testing.T, w *httptest.ResponseRecorder, message string) {
	t.Helper()
	var body struct {
		Error struct {
			Message, Type string
			Code          int
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s is no JSON: %v", w.Body, err)
	}
	e := body.Error
	if e.Type != "OAuthException" || e.Code == 0 || !strings.Contains(e.Message, message) {
		t.Errorf("error %+v, want a message with %q", e, message)
	}
}

// A body that breaks off is refused, even where what came of it is whole and
// signed.
func TestBodyThatBreaksOff(t *testing.T) {
	b := newBench(t)
	r := request("/webhooks/meta/71", "lucky-new", []byte(oneStatus))
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(oneStatus), iotest.ErrReader(io.ErrUnexpectedEOF)))
	r.ContentLength = -1
	if w := b.do(r); w.Code != 400 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if b.store.commits != 0 {
		t.Errorf("%d commits", b.store.commits)
	}
}

func TestHandshake(t *testing.T) {
	for _, tt := range []struct {
		name, app, mode, token, challenge string
		want                              int
	}{
		{"as documented", "71", "subscribe", "lucky-verify", "1158201444", 200},
		{"a token of another app", "71", "subscribe", "rival-verify", "1", 403},
		{"a prefix of the token", "71", "subscribe", "lucky-verif", "1", 403},
		{"no token", "71", "subscribe", "", "1", 403},
		{"no such app", "79", "subscribe", "lucky-verify", "1", 403},
		{"no such app and no token", "79", "subscribe", "", "1", 403},
		{"another mode", "71", "unsubscribe", "lucky-verify", "1", 400},
		{"no mode", "71", "", "lucky-verify", "1", 400},
		{"no challenge", "71", "subscribe", "lucky-verify", "", 400},
		{"a page as challenge", "71", "subscribe", "lucky-verify", "<script>alert(1)</script>", 400},
		{"a challenge of two lines", "71", "subscribe", "lucky-verify", "1\n2", 400},
		{"a challenge that ends a line", "71", "subscribe", "lucky-verify", "1\n", 400},
		{"256 characters", "71", "subscribe", "lucky-verify", strings.Repeat("aZ-_", 64), 200},
		{"257 characters", "71", "subscribe", "lucky-verify", strings.Repeat("1", 257), 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			query := url.Values{"hub.mode": {tt.mode}, "hub.verify_token": {tt.token}, "hub.challenge": {tt.challenge}}
			w := newBench(t).do(httptest.NewRequest("GET", "/webhooks/meta/"+tt.app+"?"+query.Encode(), nil))
			if w.Code != tt.want {
				t.Fatalf("answered %d %s, want %d", w.Code, w.Body, tt.want)
			}
			if tt.want != 200 {
				wantError(t, w, "hub.")
				return
			}
			h := w.Header()
			if w.Body.String() != tt.challenge || h.Get("Content-Type") != "text/plain; charset=utf-8" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("answered %q with %v", w.Body, h)
			}
		})
	}
}

func TestOtherMethods(t *testing.T) {
	for _, method := range []string{"PUT", "DELETE", "HEAD", "OPTIONS"} {
		w := newBench(t).do(httptest.NewRequest(method, "/webhooks/meta/71", nil))
		if w.Code != 405 || w.Header().Get("Allow") != "GET, POST" {
			t.Errorf("%s answered %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
}

func TestWhatCannotBeStoredIsAskedForAgain(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		spoil      func(*bench)
	}{
		{"the recorder is closed", oneStatus, func(b *bench) { _ = b.recorder.Close(t.Context()) }},
		{"the store is broken", oneStatus, func(b *bench) { b.store.broken = errors.New("disk is gone") }},
		{"nothing can be parked", strings.Replace(oneStatus, "900100", "900999", 1), func(b *bench) { b.store.stuck = errors.New("disk is gone") }},
		{
			"nothing can be learnt",
			`{"object":"whatsapp_business_account","entry":[{"id":"900100","changes":[{"field":"message_template_status_update","value":{"message_template_id":5,"event":"APPROVED"}}]}]}`,
			func(b *bench) { b.store.stuck = errors.New("disk is gone") },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			tt.spoil(b)
			w := b.do(request("/webhooks/meta/71", "lucky-new", []byte(tt.body)))
			if w.Code != 503 || w.Header().Get("Retry-After") != "1" {
				t.Errorf("answered %d %s, Retry-After %q", w.Code, w.Body, w.Header().Get("Retry-After"))
			}
			wantError(t, w, "can't be recorded now")
			if strings.Contains(w.Body.String(), "disk") {
				t.Errorf("the answer tells too much: %s", w.Body)
			}
		})
	}
}

// Who hangs up does not take the events back, even when other webhooks come before
// they are recorded.
func TestEventsOutliveTheirCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon)) // the model has no other clock
		b := newBench(t)
		b.store.gate = make(chan struct{})
		ctx, hangUp := context.WithCancel(t.Context())
		send := func(ctx context.Context, id string) {
			body := strings.Replace(oneStatus, "wamid.1", id, 1)
			b.do(request("/webhooks/meta/71", "lucky-new", []byte(body)).WithContext(ctx))
		}
		for _, id := range []string{"wamid.1", "wamid.2"} {
			go send(ctx, id)
			synctest.Wait() // until the first is being recorded and the second waits
		}
		hangUp()
		synctest.Wait()
		go send(t.Context(), "wamid.3")
		go send(t.Context(), "wamid.4")
		synctest.Wait()
		close(b.store.gate)
		synctest.Wait()
		b.wantSent("900100", 4)
	})
}

func TestLargeBodyIsOneCommit(t *testing.T) {
	b := newBench(t)
	b.post(string(statusBody(1000)))
	b.post(statusFor("900100", "900101", "900102"))
	if b.store.commits != 2 {
		t.Errorf("%d commits for two bodies", b.store.commits)
	}
	points, err := b.store.Points(t.Context(), waybill.Query{Channels: []waybill.ChannelNumber{1}, To: waybill.MaxInstant})
	if err != nil || len(points) != 1 || points[0].Counts[waybill.Sent] != 1001 {
		t.Errorf("points %v, error %v; want 1001 sent", points, err)
	}
}

// statusBody returns a webhook of n statuses as Meta sends them.
func statusBody(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"object":"whatsapp_business_account","entry":[{"id":"900100","changes":[{"value":` +
		`{"messaging_product":"whatsapp","metadata":{"display_phone_number":"13125550142","phone_number_id":"880042"},"statuses":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"wamid.HBgMNjI4MTIzNDU2Nzg5FQIAERgSQ0E1%010dEU5RjQyAA==","status":"%s","timestamp":"%d","recipient_id":"62812%08d",`+
			`"conversation":{"id":"72b14d6bd5407799e66f64d1b338e567","origin":{"type":"marketing"}},`+
			`"pricing":{"billable":true,"pricing_model":"PMP","type":"regular","category":"marketing"},`+
			`"biz_opaque_callback_data":"{\"template\":\"spring_sale\",\"language\":\"en_US\",\"campaign\":\"c-7\"}"}`,
			i, []string{"sent", "delivered"}[i%2], 1771000000+i, i)
	}
	b.WriteString(`]},"field":"messages"}]}]}`)
	return b.Bytes()
}
