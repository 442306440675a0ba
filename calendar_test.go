package waybill_test

import (
	"archive/zip"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"waybill"
)

// first and last bound the calendars that are tested.
var (
	first = waybill.InstantOf(time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC))
	last  = waybill.InstantOf(time.Date(2040, 12, 31, 0, 0, 0, 0, time.UTC))
)

// zones returns all zones of Go's own database; with -short every tenth. Zones
// that are the same under several names are returned once.
func zones(t *testing.T) []*time.Location {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env GOROOT: %v", err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	seen := make(map[string]bool)
	var all []*time.Location
	for i, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if f.FileInfo().IsDir() || seen[string(content)] || testing.Short() && i%10 > 0 {
			continue
		}
		seen[string(content)] = true
		zone, err := time.LoadLocationFromTZData(f.Name, content)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, zone)
	}
	if len(all) < 30 {
		t.Fatalf("only %d zones in %s", len(all), archive.File[0].Name)
	}
	return all
}

func TestBucketOf(t *testing.T) {
	tests := []struct {
		name  string
		g     waybill.Granularity
		zone  string
		at    string // RFC 3339
		start string
		hours float64
	}{
		{"a quarter hour is the same everywhere", waybill.QuarterHour, "Asia/Kathmandu", "2024-01-01T00:14:59Z", "2024-01-01T00:00:00Z", .25},
		{"a half hour of UTC", waybill.HalfHour, "UTC", "2024-01-01T00:59:59Z", "2024-01-01T00:30:00Z", .5},
		{"half hours follow the zone's clock", waybill.HalfHour, "Asia/Kathmandu", "2024-01-01T00:00:00Z", "2023-12-31T23:45:00Z", .5},
		{"hours follow the zone's clock", waybill.Hour, "Asia/Kolkata", "2024-01-01T00:29:00Z", "2023-12-31T23:30:00Z", 1},
		{"a day of 23 hours", waybill.Day, "Europe/Berlin", "2024-03-31T12:00:00Z", "2024-03-31T00:00:00+01:00", 23},
		{"a day of 25 hours", waybill.Day, "Europe/Berlin", "2024-10-27T12:00:00Z", "2024-10-27T00:00:00+02:00", 25},
		{"the repeated hour, first", waybill.Hour, "Europe/Berlin", "2024-10-27T02:30:00+02:00", "2024-10-27T02:00:00+02:00", 1},
		{"the repeated hour, again", waybill.Hour, "Europe/Berlin", "2024-10-27T02:30:00+01:00", "2024-10-27T02:00:00+01:00", 1},
		{"Lord Howe goes back by half an hour", waybill.Day, "Australia/Lord_Howe", "2024-04-07T12:00:00+10:30", "2024-04-07T00:00:00+11:00", 24.5},
		{"Lord Howe goes ahead by half an hour", waybill.Day, "Australia/Lord_Howe", "2024-10-06T12:00:00+11:00", "2024-10-06T00:00:00+10:30", 23.5},
		{"an hour is cut where the clock goes back", waybill.Hour, "Australia/Lord_Howe", "2024-04-07T01:45:00+10:30", "2024-04-07T01:30:00+10:30", .5},
		{"an hour is cut where the clock goes ahead", waybill.Hour, "Australia/Lord_Howe", "2024-10-06T02:45:00+11:00", "2024-10-06T02:30:00+11:00", .5},
		{"Troll changes by two hours", waybill.Day, "Antarctica/Troll", "2024-03-31T12:00:00Z", "2024-03-31T00:00:00Z", 22},
		{"a day without midnight starts after the gap", waybill.Day, "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T01:00:00-02:00", 23},
		{"the day before a gap over midnight is whole", waybill.Day, "America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-03T00:00:00-03:00", 24},
		{"a month whose first day has no midnight", waybill.Month, "Asia/Amman", "2022-02-10T00:00:00Z", "2022-02-01T00:00:00+02:00", 27*24 + 23},
		{"a clock set back at midnight makes a long day", waybill.Day, "America/Sao_Paulo", "2018-02-18T02:30:00Z", "2018-02-17T00:00:00-02:00", 25},
		{"the end of a date that comes twice belongs to the next one", waybill.Day, "America/St_Johns", "2010-11-06T23:30:00-03:30", "2010-11-07T00:00:00-02:30", 25},
		{"a date that was left out has no day", waybill.Day, "Pacific/Apia", "2011-12-31T12:00:00+14:00", "2011-12-31T00:00:00+14:00", 24},
		{"the month of that date is a day shorter", waybill.Month, "Pacific/Apia", "2011-12-10T00:00:00Z", "2011-12-01T00:00:00-10:00", 30 * 24},
		{"a month of a clock change", waybill.Month, "America/Los_Angeles", "2024-03-20T00:00:00Z", "2024-03-01T00:00:00-08:00", 31*24 - 1},
		{"February of a leap year", waybill.Month, "Asia/Shanghai", "2024-02-29T23:59:59+08:00", "2024-02-01T00:00:00+08:00", 29 * 24},
		{"the last day of a leap year", waybill.Day, "America/Los_Angeles", "2024-12-31T12:00:00-08:00", "2024-12-31T00:00:00-08:00", 24},
		{"the last half hours of a leap year", waybill.HalfHour, "Europe/Berlin", "2024-12-31T22:40:00+01:00", "2024-12-31T22:30:00+01:00", .5},
		{"hours at the turn of a year", waybill.Hour, "America/St_Johns", "2023-12-31T20:45:00-03:30", "2023-12-31T20:00:00-03:30", 1},
		{"the first hours of a year after a leap year", waybill.Day, "America/Los_Angeles", "2025-01-01T00:00:00-08:00", "2025-01-01T00:00:00-08:00", 24},
		{"a jump within a quarter hour counts at its end", waybill.HalfHour, "Antarctica/Casey", "2020-10-04T00:00:59+08:00", "2020-10-04T00:00:00+08:00", .25},
		{"and what follows begins there", waybill.HalfHour, "Antarctica/Casey", "2020-10-04T03:20:00+11:00", "2020-10-04T03:15:00+11:00", .25},
		{"a total has no bucket of its own", waybill.Total, "UTC", "2024-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			zone, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			start := parse(t, tt.start)
			want := waybill.Bucket{Start: start, End: start + waybill.Instant(tt.hours*3600)}
			got := tt.g.BucketOf(parse(t, tt.at), zone)
			if got != want {
				t.Errorf("bucket is %s to %s, want %s to %s", got.Start.Time().In(zone), got.End.Time().In(zone),
					want.Start.Time().In(zone), want.End.Time().In(zone))
			}
		})
	}
}

func parse(t *testing.T, text string) waybill.Instant {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return waybill.InstantOf(at)
}

// changes returns the quarter hours before which the zone's offset changes.
func changes(zone *time.Location) []waybill.Instant {
	const day = 24 * 60 * 60
	offset := func(i waybill.Instant) int {
		_, offset := i.Time().In(zone).Zone()
		return offset
	}
	var all []waybill.Instant
	for from := first; from < last; from += day {
		if offset(from) == offset(from+day) {
			continue
		}
		for i := from + waybill.QuarterSeconds; i <= from+day; i += waybill.QuarterSeconds {
			if offset(i) != offset(i-waybill.QuarterSeconds) {
				all = append(all, i)
			}
		}
	}
	return all
}

// monthEnds returns instants at the ends of all months, in UTC.
func monthEnds() []waybill.Instant {
	var all []waybill.Instant
	for t := time.Date(2015, 2, 1, 0, 0, 0, 0, time.UTC); waybill.InstantOf(t) < last; t = t.AddDate(0, 1, 0) {
		all = append(all, waybill.InstantOf(t))
	}
	return all
}

func TestBucketsTile(t *testing.T) {
	t.Parallel()
	const hour, day = 60 * 60, 24 * 60 * 60
	total := 0
	for _, zone := range zones(t) {
		c := &calendar{zone: zone}
		for _, at := range changes(zone) {
			if c.offset(at-1) != c.offset(at-waybill.QuarterSeconds) {
				c.uneven = append(c.uneven, at.Time())
			}
			c.tile(waybill.QuarterHour, at-hour, at+hour)
			c.tile(waybill.HalfHour, at-3*hour, at+5*hour)
			c.tile(waybill.Hour, at-3*hour, at+5*hour)
			c.tile(waybill.Day, at-2*day, at+2*day)
		}
		for _, at := range monthEnds() {
			c.tile(waybill.Day, at-day, at+day)
		}
		for _, at := range []waybill.Instant{first, last} {
			c.tile(waybill.HalfHour, at, at+day)
			c.tile(waybill.Hour, at, at+day)
		}
		c.tile(waybill.Month, first, last)
		for _, problem := range c.problems[:min(3, len(c.problems))] {
			t.Errorf("%s: %s (%d problems)", zone, problem, len(c.problems))
		}
		if len(c.uneven) > 0 {
			t.Logf("%s: the clock jumped within the quarter hour before %v", zone, c.uneven)
		}
		total += c.buckets
	}
	t.Logf("%d buckets", total)
}

// A calendar checks the buckets of a zone.
type calendar struct {
	zone     *time.Location
	buckets  int
	uneven   []time.Time // ends of the quarter hours within which the clock jumped
	problems []string
}

func (c *calendar) offset(i waybill.Instant) int {
	_, offset := i.Time().In(c.zone).Zone()
	return offset
}

func (c *calendar) errorf(g waybill.Granularity, b waybill.Bucket, format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf("%s from %s to %s ", g,
		b.Start.Time().In(c.zone).Format(time.RFC3339), b.End.Time().In(c.zone).Format(time.RFC3339))+fmt.Sprintf(format, args...))
}

// tile walks over the buckets between two instants.
func (c *calendar) tile(g waybill.Granularity, from, to waybill.Instant) {
	at := g.BucketOf(from, c.zone).Start
	for at < to {
		b := g.BucketOf(at, c.zone)
		c.buckets++
		if b.Start != at || b.End <= b.Start {
			c.errorf(g, b, "does not follow the one that ends at %s", at.Time())
			return
		}
		c.check(g, b)
		at = b.End
	}
}

func (c *calendar) check(g waybill.Granularity, b waybill.Bucket) {
	for _, i := range []waybill.Instant{b.Start, (b.Start + b.End) / 2, b.End - 1} {
		if got := g.BucketOf(i, c.zone); got != b || !b.Contains(i) {
			c.errorf(g, b, "contains %s, whose bucket is %v", i.Time(), got)
		}
	}
	if b.Contains(b.Start-1) || b.Contains(b.End) {
		c.errorf(g, b, "contains what is not in it")
	}
	if b.Start%waybill.QuarterSeconds != 0 || c.offset(b.Start)%waybill.QuarterSeconds != 0 {
		c.errorf(g, b, "is not made of quarter hours")
	}
	start, end := shown(g, b.Start, c.zone), shown(g, b.End-waybill.QuarterSeconds, c.zone)
	if start != end {
		c.errorf(g, b, "starts in %s and ends in %s", start, end)
	}
	if before := shown(g, b.Start-waybill.QuarterSeconds, c.zone); before == start {
		c.errorf(g, b, "starts within %s", start)
	}
	if g == waybill.Day || g == waybill.Month {
		c.checkDate(g, b)
	}
}

// shown returns what the zone's clock shows of the unit around i.
func shown(g waybill.Granularity, i waybill.Instant, zone *time.Location) string {
	t := i.Time().In(zone)
	switch g {
	case waybill.Month:
		return t.Format("2006-01")
	case waybill.Day:
		return t.Format("2006-01-02")
	case waybill.Hour:
		return t.Format("2006-01-02 15h Z07:00:00")
	case waybill.HalfHour:
		return fmt.Sprint(t.Format("2006-01-02 15h Z07:00:00 "), t.Minute()/30)
	}
	return fmt.Sprint(i.Quarter())
}

// checkDate checks that a day or month starts at local midnight, or where the
// clock jumps over midnight, and has the hours that its clock says.
func (c *calendar) checkDate(g waybill.Granularity, b waybill.Bucket) {
	start := b.Start.Time().In(c.zone)
	offset, offsetBefore := c.offset(b.Start), c.offset(b.Start-1)
	if h, m, s := start.Clock(); h+m+s != 0 && offset <= offsetBefore {
		c.errorf(g, b, "starts at %s, but the clock did not jump over midnight", start)
	}
	length := time.Duration(b.End-b.Start) * time.Second
	if g != waybill.Day || length == 24*time.Hour {
		return
	}
	if c.offset(b.End) == offset && offset == offsetBefore {
		c.errorf(g, b, "has %s without a clock change", length)
	}
	if length < 20*time.Hour || length > 28*time.Hour {
		c.errorf(g, b, "has %s", length)
	}
}
