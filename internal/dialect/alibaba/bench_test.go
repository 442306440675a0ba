package alibaba_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"waybill"
	"waybill/internal/dialect/alibaba"
	"waybill/internal/server"
)

// idle answers everything at once. It is what the server alone costs.
type idle struct{}

func (idle) Name() string             { return "idle" }
func (idle) Match(*http.Request) bool { return true }
func (idle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	_, _ = io.WriteString(w, `{"Code":"OK"}`)
}

// fill records messages of the days before noon: of ten templates in three
// languages from two numbers to six countries, with what became of them.
func (g *rig) fill(days, perDay int) {
	g.t.Helper()
	c, _ := g.directory.View().Channel("cams-a")
	countries := []string{"ID", "SG", "VN", "BR", "MX", "DE"}
	button := waybill.Button{Type: "quick_reply_button", Text: "Yes"}
	begin := waybill.InstantOf(noon.AddDate(0, 0, -days))
	for d := range days {
		var events []waybill.Event
		for i := range perDay {
			at := begin + waybill.Instant(d*86400+i*86400/perDay)
			e := waybill.Event{Channel: c.Number, Message: fmt.Sprint("m-", d, "-", i), Status: sent, At: at}
			e.Labels.Set(waybill.LabelSender, c.Senders[i%2], waybill.RankVendor)
			e.Labels.Set(waybill.LabelTemplate, fmt.Sprint(1100*(1+i%10)), waybill.RankVendor)
			e.Labels.Set(waybill.LabelLanguage, []string{"en", "id", "vi"}[i%3], waybill.RankVendor)
			e.Labels.Set(waybill.LabelCountry, countries[i%len(countries)], waybill.RankDerived)
			e.Labels.Set(waybill.LabelCategory, "MARKETING", waybill.RankVendor)
			events = append(events, e)
			for s, status := range []waybill.Status{delivered, read, clicked} {
				if e.Status, e.At = status, at+waybill.Instant(20<<(2*s)); i%(s+1) == 0 && d < days-1 {
					e.Button = button
					events = append(events, e)
				}
			}
		}
		if _, err := g.store.Append(context.Background(), events); err != nil {
			g.t.Fatal(err)
		}
	}
}

// BenchmarkSignedCalls sends signed calls over connections that are kept open, to
// a channel with 1,100 messages a day for 90 days, and for comparison unsigned ones to
// a handler that does nothing.
func BenchmarkSignedCalls(b *testing.B) {
	g := newRig(b, func(o *alibaba.Options) { o.Auth.Nonces = 1 << 22 })
	g.clock.set(noon.AddDate(0, 0, -101))
	g.enable()
	g.clock.set(noon)
	g.fill(90, 1100)
	nothing := server.New(server.Options{})
	nothing.Ready(idle{})
	baseline := httptest.NewServer(nothing)
	b.Cleanup(baseline.Close)

	day := fields{"CustSpaceId": "cams-a", "Start": ms(noon.AddDate(0, 0, -3)), "End": ms(noon.AddDate(0, 0, -2))}
	week := fields{"CustSpaceId": "cams-a", "Start": ms(noon.AddDate(0, 0, -7)), "End": ms(noon)}
	for _, bm := range []struct {
		name, action string
		fields       fields
		idle         bool
	}{
		{"nothing", "GetChatappPhoneNumberMetric", week, true},
		{"phone number, a day", "GetChatappPhoneNumberMetric", day, false},
		{"template, a day by half hour", "GetChatappTemplateMetric", day.with(fields{"TemplateCode": "1100", "Granularity": "HALF_HOUR"}), false},
		{"phone number, a week by day", "GetChatappPhoneNumberMetric", week, false},
		{"template, a week by day", "GetChatappTemplateMetric", week.with(fields{"TemplateCode": "1100"}), false},
		{"phone number, 90 days by day", "GetChatappPhoneNumberMetric", week.with(fields{"Start": ms(noon.AddDate(0, 0, -90))}), false},
		{"enable", "EnableWhatsappROIMetric", nil, false},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			var size atomic.Int64
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					r := g.acs3("boss", "boss-secret", http.MethodPost, bm.fields, map[string]string{
						"x-acs-action": bm.action, "x-acs-version": "2020-06-06",
					})
					if bm.idle {
						r.URL.Host = strings.TrimPrefix(baseline.URL, "http://")
					}
					a := g.send(r)
					if a.status != http.StatusOK {
						b.Errorf("%d %s", a.status, a.body)
						return
					}
					size.Store(int64(len(a.body)))
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			b.ReportMetric(float64(size.Load()), "B/answer")
		})
	}
}
