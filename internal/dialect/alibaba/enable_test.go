package alibaba_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill"
	"waybill/internal/dialect/alibaba"
)

func TestNothingIsShownBeforeEnabling(t *testing.T) {
	g := newRig(t)
	g.record(sale("m1", sent, time.Minute))
	g.template(nil).wantRows()
	g.phones(nil).wantRows()
}

func TestEnablingIsPerChannel(t *testing.T) {
	g := newRig(t)
	g.call("boss", "EnableWhatsappROIMetric", fields{"CustSpaceId": "cams-b"}).wantOK()
	g.record(sale("m1", sent, time.Minute),
		fact{channel: "cams-b", message: "m1", status: sent, after: time.Minute, sender: "15550000001"})
	g.phones(nil).wantRows()
	g.phones(fields{"CustSpaceId": "-"}).wantRows("19T05:00-20T05:00 15550000001 1/0")
	g.enable()
	for _, id := range []string{"cams-a", "cams-b", "cams-c", "cams-r", "cams-o"} {
		c, _ := g.directory.View().Channel(id)
		if own := c.Account == "1000000000000001"; own != (c.MetricsEnabled != waybill.Never) {
			t.Errorf("%s is enabled at %d", id, c.MetricsEnabled)
		}
	}
}

func TestEnablingTwiceChangesNothing(t *testing.T) {
	g := newRig(t)
	g.enable()
	g.record(sale("m1", sent, time.Minute))
	g.clock.advance(time.Hour)
	g.enable()
	g.template(nil).wantRows(day + "en 1/0/0")
	g.restart()
	g.enable()
	g.template(nil).wantRows(day + "en 1/0/0")
	if c, _ := g.directory.View().Channel("cams-a"); c.MetricsEnabled != waybill.InstantOf(noon) {
		t.Errorf("enabled at %v", c.MetricsEnabled.Time())
	}
}

func TestManyEnableAtOnce(t *testing.T) {
	g := newRig(t)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() { g.call("boss", "EnableWhatsappROIMetric", nil).wantOK() })
	}
	all.Wait()
	g.record(sale("m1", sent, 0))
	g.template(nil).wantRows(day + "en 1/0/0")
}

// A message that was sent before metrics were enabled is not counted, whatever
// arrives later about it, in whatever order.
func TestEarlierMessagesAreNeverCounted(t *testing.T) {
	early := sale("early", sent, -time.Minute)
	for _, row := range []struct {
		name          string
		before, after []fact
	}{
		{"known before", []fact{early}, []fact{sale("early", delivered, time.Minute), sale("early", read, 2*time.Minute)}},
		{"all reported after", nil, []fact{early, sale("early", delivered, time.Minute), sale("early", read, 2*time.Minute)}},
		{"the sending is reported last", nil, []fact{sale("early", read, 2*time.Minute), sale("early", delivered, time.Minute), early}},
		{"clicked later", []fact{early}, []fact{{message: "early", status: clicked, after: time.Minute, button: waybill.Button{Type: "quick_reply_button", Text: "Yes"}}}},
		{"its template is known later", []fact{{message: "early", status: sent, after: -time.Minute}}, []fact{sale("early", read, time.Minute)}},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := newRig(t)
			if row.before != nil {
				g.record(row.before...)
			}
			g.enable()
			g.record(sale("m1", sent, time.Minute))
			for _, f := range row.after {
				g.record(f)
			}
			for range 2 {
				g.template(nil).wantRows(day + "en 1/0/0")
				g.phones(nil).wantRows(day + "8613800000000 1/0")
				g.restart()
			}
		})
	}
}

// The limit is per message: a template that was in use before counts on.
func TestTemplatesThatWereInUseBeforeAreCounted(t *testing.T) {
	g := newRig(t)
	g.record(sale("early", sent, -time.Minute))
	g.enable()
	g.record(sale("later", sent, time.Minute))
	g.template(nil).wantRows(day + "en 1/0/0")
}

// Vendors' clocks may be ahead of ours: what is dated at or after the enabling
// counts, although it came before, and does so once Enable has answered.
func TestMarksAreSetWhenEnableAnswers(t *testing.T) {
	g := newRig(t)
	var facts []fact
	for i := range 2000 {
		facts = append(facts, sale(fmt.Sprint("m", i), sent, time.Duration(i%3-1)*time.Minute))
	}
	g.record(facts...)
	g.enable()
	g.template(nil).wantRows(day + "en 1333/0/0")
}

func TestEnableWaitsForTheMarks(t *testing.T) {
	g := newRig(t)
	for _, row := range []struct {
		name   string
		err    error
		status int
	}{
		{"they are set", nil, 200},
		{"it takes too long", context.DeadlineExceeded, 200},
		{"they cannot be set", waybill.Errorf(waybill.Unavailable, "the disk failed"), 503},
	} {
		t.Run(row.name, func(t *testing.T) {
			asked := false
			g.settled = func(ctx context.Context) error {
				_, asked = ctx.Deadline()
				return row.err
			}
			if a := g.call("boss", "EnableWhatsappROIMetric", nil); a.status != row.status || !asked {
				t.Errorf("answer %d %s, waited within bounds: %v", a.status, a.body, asked)
			}
		})
	}
}

func TestDelayCountsFromEnabling(t *testing.T) {
	g := newRig(t, func(o *alibaba.Options) { o.Delay = 24 * time.Hour })
	g.enable()
	g.record(sale("m1", sent, time.Minute), sale("m2", sent, 23*time.Hour))
	all := fields{"CustSpaceId": "-"}
	for _, row := range []struct {
		after time.Duration
		rows  []string
	}{
		{time.Hour, nil},
		{24*time.Hour - time.Second, nil},
		{24 * time.Hour, []string{day + "8613800000000 1/0", "20T16:00-21T16:00 8613800000000 1/0"}},
		{48 * time.Hour, []string{day + "8613800000000 1/0", "20T16:00-21T16:00 8613800000000 1/0"}},
	} {
		g.clock.set(noon.Add(row.after))
		g.phones(nil).wantRows(row.rows...)
		g.phones(all).wantRows(row.rows...)
		g.enable() // again, which does not start another delay
	}
	g.clock.set(noon.Add(time.Hour))
	g.template(nil).wantRows()
}

// An instant in the directory counts as if Enable had been called then.
func TestDirectoryCanEnable(t *testing.T) {
	g := newRig(t)
	g.record(sale("m1", sent, -time.Minute), sale("m2", sent, -3*time.Hour))
	g.apply(strings.Replace(tenants, "id: cams-a,", `id: cams-a, metrics_enabled_at: "2026-11-20T03:00:00Z",`, 1))
	if err := g.store.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.template(nil).wantRows(day + "en 1/0/0")
}
