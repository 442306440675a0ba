package meta

import (
	"encoding/json"
	"net/http"
	"time"

	"waybill"
	"waybill/internal/dialect"
)

// usage bounds the calls of an app on a WhatsApp Business Account to a number
// per hour, which is what Meta limits: 200, or 5000 for an account that sends.
//
// https://developers.facebook.com/docs/graph-api/overview/rate-limiting
type usage struct{ calls *dialect.Limiter }

// usageKeys bounds the memory of the counts.
const usageKeys = 100_000

// newUsage returns the bound; 0 calls an hour mean there is none.
func newUsage(callsPerHour int, now func() time.Time) *usage {
	return &usage{dialect.NewLimiter(callsPerHour, time.Hour, usageKeys, now)}
}

// appUsage is the header X-App-Usage, in percent.
type appUsage struct {
	Calls   int `json:"call_count"`
	CPUTime int `json:"total_cputime"`
	Time    int `json:"total_time"`
}

// caseUsage is one element of the header X-Business-Use-Case-Usage. The shares
// are percent, the time is in minutes.
type caseUsage struct {
	Type string `json:"type"`
	appUsage
	Regain int `json:"estimated_time_to_regain_access"`
}

// maxUses is how many accounts the header tells of. Meta's has up to 32, which
// with long IDs is more than some proxies take.
const maxUses = 20

// count counts a call on an account, tells the use of the limit in the headers,
// and refuses a call over the limit. Refused calls do not count.
func (u *usage) count(s *session, node waybill.Channel) error {
	used, regain, ok := u.allow(s.header, s.token, node.ID)
	if s.uses == nil {
		s.uses = make(map[string][]caseUsage)
	}
	if len(s.uses) < maxUses || s.uses[node.ID] != nil {
		s.uses[node.ID] = []caseUsage{{Type: scopeManagement, appUsage: used, Regain: regain}}
		setJSON(s.header, "X-Business-Use-Case-Usage", s.uses)
	}
	if !ok {
		return errRate()
	}
	return nil
}

// allow counts a call of an app on something, and returns the use of the limit and
// the minutes until the next call.
func (u *usage) allow(h http.Header, token waybill.Token, of string) (used appUsage, regain int, ok bool) {
	key := token.Account + "/" + token.App + "/" + of
	ok, wait := u.calls.Allow(key)
	used = appUsage{Calls: u.calls.Used(key)}
	setJSON(h, "X-App-Usage", used)
	return used, int((wait + time.Minute - 1) / time.Minute), ok
}

func setJSON(h http.Header, name string, value any) {
	text, err := json.Marshal(value)
	if err == nil { // the types have no value that JSON lacks
		h.Set(name, string(text))
	}
}
