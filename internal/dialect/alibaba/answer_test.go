package alibaba_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// requestID is the form of the ID of every answer.
var requestID = regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`)

// want checks the status and the whole body, in which $ID stands for the ID of
// the request and $HOST for the server's name.
func (a answer) want(status int, body string) {
	a.t.Helper()
	id := a.header.Get("X-Acs-Request-Id")
	u := strings.NewReplacer("$ID", id, "$DIAGNOSTIC", base64.StdEncoding.EncodeToString([]byte(id)))
	if a.status != status || a.hostless() != u.Replace(body) {
		a.t.Errorf("answer %d %s\nwant   %d %s", a.status, a.hostless(), status, u.Replace(body))
	}
}

// hostless returns the body with $HOST for what the server is called.
func (a answer) hostless() string {
	const name = "127.0.0.1:"
	before, after, ok := strings.Cut(a.body, name)
	if !ok {
		return a.body
	}
	return before + "$HOST" + strings.TrimLeft(after, "0123456789")
}

// wantError checks the status and the code of a refusal.
func (a answer) wantError(status int, code string) {
	a.t.Helper()
	var e struct {
		Code, Message string
		RequestID     string `json:"RequestId"`
		HostID        string `json:"HostId"`
	}
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || a.status != status || e.Code != code {
		a.t.Errorf("answer %d %s, want %d %s", a.status, a.body, status, code)
	}
	if e.Message == "" || e.RequestID == "" || e.RequestID != a.header.Get("X-Acs-Request-Id") || e.HostID == "" {
		a.t.Errorf("incomplete error %s", a.body)
	}
}

// wantOK checks that a call succeeded.
func (a answer) wantOK() answer {
	a.t.Helper()
	if a.status != http.StatusOK || !strings.Contains(a.body, `"Code":"OK"`) {
		a.t.Errorf("answer %d %s, want OK", a.status, a.body)
	}
	return a
}

// rows returns Data, one row in short form each.
func (a answer) rows() []string {
	a.t.Helper()
	a.wantOK()
	var body struct {
		Data []struct {
			TemplateCode, Language, PhoneNumber, Granularity string
			SentCount, DeliveredCount, ReadCount             int32
			Start, End                                       int64
			Cliented                                         []struct {
				Type, ButtonContent string
				Count               int32
			}
		}
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
	rows := []string{}
	for _, d := range body.Data {
		row := fmt.Sprintf("%s-%s %s%s %d/%d", stamp(d.Start), stamp(d.End), d.Language, d.PhoneNumber, d.SentCount, d.DeliveredCount)
		if d.PhoneNumber == "" && d.Granularity == "" {
			row += fmt.Sprintf("/%d", d.ReadCount)
		}
		for _, c := range d.Cliented {
			row += fmt.Sprintf(" %s=%d", c.ButtonContent, c.Count)
		}
		rows = append(rows, row)
	}
	return rows
}

// stamp is a time in UTC, as short as it can be.
func stamp(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	return t.Format("02T15:04")
}

func (a answer) wantRows(want ...string) {
	a.t.Helper()
	if want == nil {
		want = []string{}
	}
	if got := a.rows(); !slices.Equal(got, want) {
		a.t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
