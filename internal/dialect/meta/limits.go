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

// count counts a call, tells the use of the limit in the headers, and refuses a
// call over the limit. Refused calls do not count.
func (u *usage) count(h http.Header, token waybill.Token, node waybill.Channel) error {
	key := token.Account + "/" + token.App + "/" + node.ID
	ok, wait := u.calls.Allow(key)
	used := appUsage{Calls: u.calls.Used(key)}
	regain := int((wait + time.Minute - 1) / time.Minute)
	setJSON(h, "X-App-Usage", used)
	setJSON(h, "X-Business-Use-Case-Usage", map[string][]caseUsage{
		node.ID: {{Type: scopeManagement, appUsage: used, Regain: regain}},
	})
	if !ok {
		return errRate()
	}
	return nil
}

func setJSON(h http.Header, name string, value any) {
	text, err := json.Marshal(value)
	if err == nil { // the types have no value that JSON lacks
		h.Set(name, string(text))
	}
}
