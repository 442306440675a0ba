package alibaba

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"
)

// A complaint is a call of the test data that is refused, and how.
type complaint struct {
	Name       string
	Key        string
	Secret     string // "" where it is the right one
	Operation  string
	Parameters map[string]any
	Status     int
	Code       string
	Message    string // a part of it
	Detail     map[string]any
}

// days is a range without anything special.
func days() map[string]any { return map[string]any{"Start": 1748793600000, "End": 1748966400000} }

// wantRefused checks that err is a refusal with the code, and returns it.
func wantRefused(t *testing.T, err error, status int, code string) *refusal {
	t.Helper()
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		t.Fatalf("error is %v, want %s", err, code)
	}
	if r.status != status || r.code != code {
		t.Errorf("refused with %d %s, %s, want %d %s", r.status, r.code, r.message, status, code)
	}
	return r
}

func TestErrors(t *testing.T) {
	w := newWaybill(t)
	w.serve(t)
	var complaints []complaint
	decode(t, "errors.json", &complaints)
	for _, by := range ways() {
		for _, c := range complaints {
			t.Run(fmt.Sprint(by, " ", c.Name), func(t *testing.T) {
				k := keyOf(c.Key)
				if c.Secret != "" {
					k.Secret = c.Secret
				}
				_, err := w.client(t, by, k).call(c.Operation, c.Parameters, system{})
				r := wantRefused(t, err, c.Status, c.Code)
				if !strings.Contains(r.message, c.Message) {
					t.Errorf("message is %q, without %q", r.message, c.Message)
				}
				wantDetail(t, r, c.Detail)
			})
		}
	}
}

// wantDetail checks the AccessDeniedDetail, whose message is the request's ID.
func wantDetail(t *testing.T, r *refusal, want map[string]any) {
	t.Helper()
	got := maps.Clone(r.accessDenied)
	if want != nil {
		text, _ := got["EncodedDiagnosticMessage"].(string)
		if message, err := base64.StdEncoding.DecodeString(text); err != nil || string(message) != r.requestID {
			t.Errorf("diagnostic message is %s, %v", text, err)
		}
		delete(got, "EncodedDiagnosticMessage")
	}
	if !maps.Equal(got, want) {
		t.Errorf("detail is %v, want %v", got, want)
	}
}

func TestTimeStamps(t *testing.T) {
	w := newWaybill(t)
	w.serve(t)
	at := func(minutes time.Duration) string {
		return time.Now().Add(minutes * time.Minute).UTC().Format("2006-01-02T15:04:05Z")
	}
	for _, by := range ways() {
		for date, code := range map[string]string{
			at(-14): "", at(14): "",
			at(-16): "InvalidTimeStamp.Expired", at(16): "InvalidTimeStamp.Expired",
			"today": "InvalidTimeStamp.Format",
		} {
			_, err := w.client(t, by, keyOf("acme")).call(phoneMetric, days(), system{date: date})
			if code != "" {
				wantRefused(t, err, 400, code)
			} else if err != nil {
				t.Errorf("%v at %s: %v", by, date, err)
			}
		}
	}
}

func TestANonceIsGoodOnce(t *testing.T) {
	w := newWaybill(t)
	w.serve(t)
	for _, by := range ways() {
		once := system{nonce: "once by " + by.String()}
		_, err := w.client(t, by, key{ID: "acme", Secret: "wrong"}).call(phoneMetric, days(), once)
		wantRefused(t, err, 400, "SignatureDoesNotMatch")
		c := w.client(t, by, keyOf("acme"))
		if _, err := c.call(phoneMetric, days(), once); err != nil {
			t.Errorf("%v: %v", by, err)
		}
		_, err = c.call(phoneMetric, days(), once)
		wantRefused(t, err, 400, "SignatureNonceUsed")
	}
}

func TestTemporaryKeys(t *testing.T) {
	w := newWaybill(t)
	one, other := w.sts(t, "1000000000000001", "acme"), w.sts(t, "1000000000000001", "acme")
	nobody := w.sts(t, "1000000000000001", "nobody")
	old := w.sts(t, "1000000000000001", "acme", "--life=1s")
	w.serve(t)
	time.Sleep(time.Second) // at most the life of the old one
	for name, tt := range map[string]struct {
		key  key
		code string
	}{
		"a token that is none":          {key{one.ID, one.Secret, "token"}, "InvalidSecurityToken.Malformed"},
		"the token of another key":      {key{one.ID, one.Secret, other.Token}, "InvalidSecurityToken.MismatchWithAccessKey"},
		"another secret":                {key{one.ID, other.Secret, one.Token}, "SignatureDoesNotMatch"},
		"a key that is too old":         {old, "InvalidSecurityToken.Expired"},
		"no token":                      {key{one.ID, one.Secret, ""}, "MissingSecurityToken"},
		"of a user who may do nothing":  {nobody, "Ram.PermissionDeny"},
		"the token with a longer name":  {key{one.ID + "A", one.Secret, one.Token}, "InvalidSecurityToken.MismatchWithAccessKey"},
		"a permanent key with a token":  {key{"acme", "secret-of-acme", one.Token}, "InvalidSecurityToken.MismatchWithAccessKey"},
		"a token with a character more": {key{one.ID, one.Secret, one.Token + "A"}, "InvalidSecurityToken.Malformed"},
	} {
		for _, by := range ways() {
			t.Run(fmt.Sprint(by, " ", name), func(t *testing.T) {
				_, err := w.client(t, by, tt.key).call(phoneMetric, days(), system{})
				wantRefused(t, err, 400, tt.code)
			})
		}
	}
}

func TestAnErrorInXMLIsReadLikeOneInJSON(t *testing.T) {
	w := newWaybill(t)
	w.serve(t)
	_, err := w.client(t, v3, keyOf("nobody")).call(phoneMetric, days(), system{format: "XML"})
	r := wantRefused(t, err, 400, "Ram.PermissionDeny")
	if r.accessDenied["AuthAction"] != "cams:"+phoneMetric {
		t.Errorf("detail is %v", r.accessDenied)
	}
}

func TestLimitsOfCalls(t *testing.T) {
	w := newWaybill(t)
	w.serve(t)
	template := days()
	template["TemplateCode"] = "1100"
	c := w.client(t, v3, keyOf("busy"))
	for _, l := range []struct {
		operation  string
		parameters map[string]any
		limit      int
	}{{enable, nil, 5}, {templateMetric, template, 50}, {phoneMetric, days(), 50}} {
		passed, most := flood(t, 6*l.limit, l.limit, func() error {
			_, err := c.call(l.operation, l.parameters, system{})
			return err
		})
		if passed < l.limit || passed > most || passed == 6*l.limit {
			t.Errorf("%s: of %d calls %d passed, not %d to %d", l.operation, 6*l.limit, passed, l.limit, most)
		}
	}
}

func TestCallsWithAWrongSignatureCostTheAccountNothing(t *testing.T) {
	w := newWaybill(t)
	w.serve(t)
	for range 20 {
		_, err := w.client(t, v3, key{ID: "calm", Secret: "wrong"}).call(enable, nil, system{})
		wantRefused(t, err, 400, "SignatureDoesNotMatch")
	}
	c := w.client(t, v3, keyOf("calm"))
	passed, _ := flood(t, 5, 5, func() error {
		_, err := c.call(enable, nil, system{})
		return err
	})
	if passed != 5 {
		t.Errorf("%d calls passed, not 5", passed)
	}
}

// flood calls many times at once, and returns how many calls passed and how many
// can at most by a limit per second.
func flood(t *testing.T, times, limit int, call func() error) (passed, most int) {
	t.Helper()
	begun := time.Now()
	results := make([]error, times)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() { results[i] = call() })
	}
	all.Wait()
	seconds := time.Since(begun).Seconds()
	for _, err := range results {
		if err == nil {
			passed++
			continue
		}
		if r := wantRefused(t, err, 400, "System.LimitControl"); r.message != "The system is under flow control." {
			t.Errorf("message is %q", r.message)
		}
	}
	return passed, limit + int(float64(limit)*seconds) + 1
}
