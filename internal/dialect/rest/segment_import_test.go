package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill"
	"waybill/internal/event"
	"waybill/internal/ndjson"
	"waybill/internal/store/storetest"
)

// load imports segments of the shared channel as the first account.
func (f *fixture) load(body string, header ...string) *httptest.ResponseRecorder {
	return f.do("POST", segmentsOf, "token-one", body, header...)
}

// state returns all that the shared channel has of segments and snapshots.
func (f *fixture) state(t testing.TB) string {
	t.Helper()
	w := f.get(segmentsOf + "?limit=1000")
	var page pageOf
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 || page.Next != 0 {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	all := w.Body.String()
	for _, s := range page.Segments {
		all += "\n" + f.get(segmentsOf+"/"+s.Segment+"/snapshots").Body.String()
	}
	return all
}

func TestImportSegments(t *testing.T) {
	const a, b = `{"segment":"a","create_at":1763640000000,"size":1}`, `{"segment":"b","create_at":1763640000001}`
	const seen = `{"segment":"x","create_at":1763640000000,"snapshots":[{"at":1763640000000,"accepted":5},{"at":"2025-11-20T13:00:00Z","accepted":9,"sent":8}]}`
	for _, tt := range []struct{ name, body, want string }{
		{"lines", a + "\n\n" + b + "\r\n", `{"received":2,"stored":2,"rejected":[]}`},
		{"an array", " [" + a + ",\n" + b + "]", `{"received":2,"stored":2,"rejected":[]}`},
		{"an empty array", "[]", `{"received":0,"stored":0,"rejected":[]}`},
		{"snapshots", seen, `{"received":1,"stored":1,"rejected":[]}`},
		{"no snapshots", `{"segment":"x","snapshots":null}` + "\n" + `{"segment":"y","snapshots":[]}`, `{"received":2,"stored":2,"rejected":[]}`},
		{"repetition", strings.Repeat(a+"\n"+seen+"\n", 3), `{"received":6,"stored":6,"rejected":[]}`},
		{"a bad line between good ones", a + "\n" + `{"segmnt":"c"}` + "\n" + b, `{"received":3,"stored":2,"rejected":[{"line":2,"error":"field segmnt is unknown, did you mean \"segment\"?"}]}`},
		{"bad elements", `[17,` + a + `,{}]`, `{"received":3,"stored":1,"rejected":[{"line":1,"error":"the segment is a number, not an object"},{"line":3,"error":"segment is missing"}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, storetest.NewModel())
			wantJSON(t, f.load(tt.body), 200, tt.want)
			first := f.state(t)
			wantJSON(t, f.load(gzipped(tt.body), "Content-Encoding", "gzip"), 200, tt.want)
			if second := f.state(t); second != first {
				t.Errorf("once more it is %s\nwas %s", second, first)
			}
		})
	}
	f := newFixture(t, storetest.NewModel())
	f.load(seen)
	wantJSON(t, f.get(segmentsOf+"/x"), 200, `{"channel":"shared","segment":"x","campaign":"","size":0,"condition":"","status":"",
		"template_data":"","create_at":1763640000000,"source":"snapshots",
		"counts":{"accepted":9,"sent":8,"delivered":0,"read":0,"failed":0,"clicked":0,"clicks":0},"pending":1,"counted_at":"2025-11-20T13:00:00Z"}`)
}

func TestRejectedSegments(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	f.put(`{"create_at":1763640000000}`)
	for _, tt := range []struct{ name, line, want string }{
		{"cut off", `{"segment":"x"`, `the JSON ends early: a segment is one object on one line`},
		{"without a name", `{"campaign":"c"}`, `segment is missing`},
		{"a field twice", `{"segment":"x","segment":"y"}`, `segment is given twice`},
		{"a snapshot's field twice", `{"segment":"x","snapshots":[{"at":1,"at":2}]}`, `snapshots.0.at is given twice`},
		{"too deep", `{"segment":"x","snapshots":` + strings.Repeat("[", 16), `the JSON is nested deeper than 16 at byte 42`},
		{"snapshots in no array", `{"segment":"x","snapshots":{"at":1}}`, `snapshots is an object, not an array`},
		{"snapshots in the ledger", `{"segment":"x","source":"ledger","snapshots":[]}`, `source ledger contradicts snapshots: the counts come from one of the two`},
		{"a mistyped count", `{"segment":"x","snapshots":[{"at":1763640000000},{"at":1763640000000,"recieved":1}]}`, `snapshot 2: field recieved is unknown`},
		{"a negative count", `{"segment":"x","snapshots":[{"at":1763640000000,"read":-1}]}`, `snapshot 1: read -1 is not between 0 and 9007199254740991`},
		{"a snapshot without a time", `{"segment":"x","snapshots":[{}]}`, `snapshot 1: at is missing`},
		{"a snapshot that is none", `{"segment":"x","snapshots":[5]}`, `snapshot 1: the snapshot is a number, not an object`},
		{"too many snapshots", `{"segment":"x","snapshots":[{"at":1763640000000}` + strings.Repeat(`,{"at":1763640000000}`, waybill.MaxSnapshots) + `]}`, `there are more than 10000 snapshots in one segment`},
		{"too long", `{"segment":"` + strings.Repeat("x", maxSegmentBytes) + `"}`, `the segment has 1048590 bytes, more than 1048576`},
		{"another time", `{"segment":"s","create_at":1763640000001}`, `create_at of segment "s" is 1763640000000 and never changes, so it cannot become 1763640000001`},
		{"another source", `{"segment":"s","snapshots":[]}`, `the source of segment "s" is ledger and never changes, so it cannot become snapshots`},
		{"another time than before", `{"segment":"good","create_at":1763640000002}`, `segment "good" has the create_at 1763640000000 on line 1`},
		{"another source than before", `{"segment":"good","source":"snapshots"}`, `segment "good" has the source ledger on line 1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const good = `{"segment":"good","create_at":1763640000000,"source":"ledger","campaign":"%s"}` + "\n"
			w := f.load(fmt.Sprintf(good, tt.name) + tt.line + "\n" + `{"segment":"other","condition":"` + tt.name + `"}`)
			wantJSON(t, w, 200, `{"received":3,"stored":2,"rejected":[{"line":2,"error":`+quote(tt.want)+`}]}`)
			for _, id := range []string{"good", "other"} {
				if w := f.get(segmentsOf + "/" + id); !strings.Contains(w.Body.String(), `"`+tt.name+`"`) {
					t.Errorf("%s is %s", id, w.Body)
				}
			}
			if w := f.get(segmentsOf + "/x"); w.Code != 404 {
				t.Errorf("stored %s", w.Body)
			}
		})
	}
}

func TestRefusedImports(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	const a = `{"segment":"a"}`
	for _, tt := range []struct {
		name, path, body string
		status           int
		want             string
	}{
		{"nothing", segmentsOf, "", 400, "the body is empty"},
		{"a form", segmentsOf, "segment=a", 400, `the body begins with "s": segments are JSON objects, one on each line, or an array of them`},
		{"half an array", segmentsOf, "[" + a + "," + a, 400, "the array ends early, after element 2"},
		{"too many lines", segmentsOf, strings.Repeat("{}\n", maxSegments+1), 413, "the body has more than 100000 segments"},
		{"too many bytes", segmentsOf, strings.Repeat(" ", event.MaxBody+1), 413, "the body has 67108865 bytes, more than 67108864"},
		{"a parameter", segmentsOf + "?limit=5", a, 400, `parameter "limit" is unknown: the call takes none`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantProblem(t, f.do("POST", tt.path, "token-one", tt.body), tt.status, tt.want)
		})
	}
	if w := f.load(a, "Content-Type", "text/html"); w.Code != 415 {
		t.Errorf("HTML is answered %d %s", w.Code, w.Body)
	}
	wantJSON(t, f.get(segmentsOf), 200, `{"segments":[]}`)
}

// puts is a store that counts its steps, and fails from one on.
type puts struct {
	waybill.Store
	segments, snapshots int // steps that went well
	failAt              int // the step of segments, from 1; 0 never
}

func (p *puts) PutSegments(
	ctx context.Context, segments []waybill.Segment, snapshots ...waybill.Snapshot,
) ([]waybill.Segment, error) {
	if p.failAt == p.segments+1 {
		return nil, errors.New("the disk is gone")
	}
	if len(segments) > maxPart || len(snapshots) > len(segments) {
		return nil, fmt.Errorf("%d segments and %d snapshots in one step", len(segments), len(snapshots))
	}
	stored, err := p.Store.PutSegments(ctx, segments, snapshots...)
	if err == nil {
		p.segments++
	}
	return stored, err
}

func (p *puts) PutSnapshots(ctx context.Context, snapshots []waybill.Snapshot) error {
	if len(snapshots) > maxPart {
		return fmt.Errorf("%d snapshots in one step", len(snapshots))
	}
	p.snapshots++
	return p.Store.PutSnapshots(ctx, snapshots)
}

func TestLargeImportIsStoredInParts(t *testing.T) {
	store := &puts{Store: storetest.NewModel()}
	f := newFixture(t, store)
	var body strings.Builder
	for i := range maxPart + 10 {
		fmt.Fprintf(&body, `{"segment":"s%d","create_at":%d}`+"\n", i, noonMillis+i)
	}
	body.WriteString(`{"segment":"t","snapshots":[{"at":1763640000000}` + strings.Repeat(`,{"at":1763640000000}`, maxPart) + "]}\n")
	wantJSON(t, f.load(body.String()), 200, `{"received":1011,"stored":1011,"rejected":[]}`)
	if store.segments != 2 || store.snapshots != 2 {
		t.Errorf("stored in %d steps and snapshots in %d, want 2 and 2", store.segments, store.snapshots)
	}
	store.failAt = store.segments + 2
	wantProblem(t, f.load(body.String()), 500, "internal error")
}

func TestLongSegmentsAreStoredInParts(t *testing.T) {
	store := &puts{Store: storetest.NewModel()}
	f := newFixture(t, store)
	var body strings.Builder
	for i := range 200 {
		fmt.Fprintf(&body, `{"segment":"s%d","template_data":"%s"}`+"\n", i, strings.Repeat("x", waybill.MaxTemplateData))
	}
	wantJSON(t, f.load(body.String()), 200, `{"received":200,"stored":200,"rejected":[]}`)
	if store.segments != 4 {
		t.Errorf("stored in %d steps, want 4", store.segments)
	}
}

// What contradicts the store costs the others of its part nothing, and few steps
// more.
func TestImportBesidesConflicts(t *testing.T) {
	store := &puts{Store: storetest.NewModel()}
	f := newFixture(t, store)
	var old, body strings.Builder
	for i := range 50 {
		fmt.Fprintf(&old, `{"segment":"s%d","create_at":%d,"source":"snapshots"}`+"\n", 2*i, noonMillis)
	}
	for i := range 100 {
		fmt.Fprintf(&body, `{"segment":"s%d","create_at":%d}`+"\n", i, noonMillis+i%4)
	}
	f.load(old.String())
	store.segments = 0
	var answer imported
	if err := json.Unmarshal(f.load(body.String()).Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Stored != 75 || len(answer.Rejected) != 25 || answer.Rejected[24].Line != 99 || store.segments != 1 {
		t.Errorf("answered %+v after %d steps", answer, store.segments)
	}
	if n := strings.Count(f.state(t), `"source":"snapshots"`); n != 50 {
		t.Errorf("%d segments are counted outside, want 50", n)
	}
}

func TestImportOfTooManyTies(t *testing.T) {
	store := &puts{Store: storetest.NewModel()}
	f := newFixture(t, store)
	var ties, body strings.Builder
	for i := range waybill.MaxSegmentTies - 1 {
		fmt.Fprintf(&ties, `{"segment":"t%d","create_at":%d}`+"\n", i, noonMillis)
	}
	for i := range 200 {
		fmt.Fprintf(&body, `{"segment":"s%d","create_at":%d}`+"\n", i, noonMillis+i%2*i)
	}
	wantJSON(t, f.load(ties.String()), 200, `{"received":999,"stored":999,"rejected":[]}`)
	var answer imported
	if err := json.Unmarshal(f.load(body.String()).Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Stored != 101 || len(answer.Rejected) != 99 || store.segments > 10 {
		t.Errorf("%d stored and %d rejected after %d steps", answer.Stored, len(answer.Rejected), store.segments)
	}
	for i, r := range answer.Rejected {
		if want := 2*i + 3; r.Line != want || !strings.Contains(r.Error, "the same time") {
			t.Fatalf("%+v is rejected, want line %d", r, want)
		}
	}
}

// A later line stands over an earlier one, in the same part and in another.
func TestSegmentIsNamedAgain(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	var body strings.Builder
	body.WriteString(`{"segment":"a","create_at":1763640000000,"source":"snapshots"}` + "\n" + `{"segment":"a","size":2}` + "\n")
	body.WriteString(`{"segment":"b","size":3}` + "\n" + `{"segment":"b","create_at":1763640000001}` + "\n")
	for i := range maxPart {
		fmt.Fprintf(&body, `{"segment":"s%d","create_at":%d}`+"\n", i, noonMillis)
	}
	body.WriteString(`{"segment":"s0","size":4}`)
	wantJSON(t, f.load(body.String()), 200, `{"received":1005,"stored":1004,"rejected":[{"line":1004,"error":"1001 segments have the same time"}]}`)
	for id, want := range map[string]string{
		"a":  `"size":2,"condition":"","status":"","template_data":"","create_at":1763640000000,"source":"snapshots"`,
		"b":  `"size":0,"condition":"","status":"","template_data":"","create_at":1763640000001,"source":"ledger"`,
		"s0": `"size":4,"condition":"","status":"","template_data":"","create_at":1763640000000,"source":"ledger"`,
	} {
		if w := f.get(segmentsOf + "/" + id); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is %s, want %s", id, w.Body, want)
		}
	}
}

func TestManyRejectedSegments(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	var answer imported
	w := f.load(strings.Repeat("{}\n", 2500))
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	if answer.Received != 2500 || answer.Stored != 0 || len(answer.Rejected) != ndjson.MaxRejected || answer.Omitted != 1500 {
		t.Errorf("received %d, stored %d, rejected %d and %d", answer.Received, answer.Stored, len(answer.Rejected), answer.Omitted)
	}
}

// Whatever the order, the repetition and the division into bodies, the same lines
// leave the same.
func TestImportIsAJoin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var lines []string
		for i := range rapid.IntRange(1, 6).Draw(rt, "segments") {
			head := fmt.Sprintf(`{"segment":"s%d","create_at":%d`, i, noonMillis+rapid.IntRange(0, 2).Draw(rt, "time"))
			if rapid.Bool().Draw(rt, "ledger") {
				lines = append(lines, head+`,"size":7}`)
				continue
			}
			for range rapid.IntRange(1, 4).Draw(rt, "snapshots") {
				lines = append(lines, head+fmt.Sprintf(`,"snapshots":[{"at":%d,"accepted":%d,"read":%d}]}`,
					noonMillis+1000*rapid.IntRange(0, 2000).Draw(rt, "at"), rapid.IntRange(0, 3).Draw(rt, "accepted"), rapid.IntRange(0, 3).Draw(rt, "read")))
			}
		}
		want := newFixture(t, storetest.NewModel())
		wantJSON(t, want.load(strings.Join(lines, "\n")), 200, fmt.Sprintf(`{"received":%d,"stored":%[1]d,"rejected":[]}`, len(lines)))

		again := rapid.Permutation(append(lines, rapid.SliceOf(rapid.SampledFrom(lines)).Draw(rt, "repeated")...)).Draw(rt, "lines")
		got := newFixture(t, storetest.NewModel())
		cut := rapid.IntRange(0, len(again)).Draw(rt, "cut")
		for _, part := range [][]string{again[:cut], again[cut:]} {
			if w := got.load("[" + strings.Join(part, ",") + "]"); w.Code != 200 || !strings.Contains(w.Body.String(), `"rejected":[]`) {
				rt.Fatalf("answered %d %s", w.Code, w.Body)
			}
		}
		if a, b := want.state(t), got.state(t); a != b {
			rt.Fatalf("%s\nleave %s\n%s\nleave %s", strings.Join(lines, "\n"), a, strings.Join(again, "\n"), b)
		}
	})
}

func FuzzSegments(f *testing.F) {
	f.Add([]byte(`{"segment":"a","campaign":"c","size":5,"condition":"x","status":"y","template_data":"{}","create_at":1763640000000}`))
	f.Add([]byte(`{"segment":"a","snapshots":[{"at":1763640000000,"accepted":5},{"at":"2025-11-20T13:00:00Z","clicks":9}]}`))
	f.Add([]byte(`[{"segment":"a","source":"ledger"},{"segment":"a","source":"snapshots"},{"segment":"a","snapshots":[{}]}]`))
	f.Add([]byte(`{"segment":"\u0000","size":1e400,"template_data":{}}` + "\n{"))
	fixture := newFixture(f, storetest.NewModel())
	f.Fuzz(func(t *testing.T, text []byte) {
		w := fixture.load(string(text))
		if w.Code == 400 || w.Code == 413 {
			return
		}
		var answer imported
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
			t.Fatalf("answered %d %s", w.Code, w.Body)
		}
		if answer.Received != answer.Stored+len(answer.Rejected) {
			t.Errorf("%+v does not add up", answer)
		}
		for i, r := range answer.Rejected {
			if r.Error == "" || len(r.Error) > 2000 || i > 0 && r.Line <= answer.Rejected[i-1].Line {
				t.Errorf("rejection %+v", r)
			}
		}
	})
}

// oneStep is a store that fails where snapshots come in a step of their own.
type oneStep struct{ waybill.Store }

func (oneStep) PutSnapshots(context.Context, []waybill.Snapshot) error {
	return errors.New("the disk is gone")
}

// TestASegmentComesWithItsCounts: nobody sees a new one with none.
func TestASegmentComesWithItsCounts(t *testing.T) {
	f := newFixture(t, oneStep{storetest.NewModel()})
	const line = `{"segment":"x","create_at":1763640000000,"snapshots":[%s]}`
	f.load(fmt.Sprintf(line, `{"at":1763640000000,"accepted":5},{"at":"2025-11-20T13:00:00Z","accepted":9,"sent":8}`))
	if body := f.get(segmentsOf + "/x").Body.String(); !strings.Contains(body, `"accepted":9,"sent":8`) {
		t.Errorf("before its earlier counts are stored the segment is %s", body)
	}
	wantJSON(t, f.load(fmt.Sprintf(line, `{"at":"2025-11-20T14:00:00Z","accepted":9}`)), 200, `{"received":1,"stored":1,"rejected":[]}`)
}
