package pebble_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"waybill"
	"waybill/internal/store/pebble"
	"waybill/internal/store/storetest"
)

// A sample is a closed store in memory and a model that knows the same.
type sample struct {
	fs    *vfs.MemFS
	model *storetest.Model
	next  []waybill.Event  // not appended yet
	later *storetest.Model // with those
}

func sampleOptions(fs vfs.FS) pebble.Options {
	return pebble.Options{FS: fs, CacheBytes: 1 << 20, GenerationMessages: 100}
}

// newSample has runs, names, folded days and, at the end of the engine's newest log,
// commits that are not folded.
func newSample(t *testing.T) *sample {
	t.Helper()
	sm := &sample{fs: vfs.NewMem(), model: storetest.NewModel(), later: storetest.NewModel(), next: streamBatch(25)}
	s := mustOpen(t, "data", sampleOptions(sm.fs))
	for _, store := range []waybill.Store{s, sm.model, sm.later} {
		configure(t, store, enabledAt(0)...)
		for n := range 24 {
			appendAll(t, store, streamBatch(n))
		}
		if _, err := store.Erase(t.Context(), "nobody"); err != nil { // which folds all
			t.Fatal(err)
		}
		appendAll(t, store, streamBatch(24))
	}
	appendAll(t, sm.later, sm.next)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return sm
}

// clone returns a copy of the files.
func (sm *sample) clone(t *testing.T) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewMem()
	if ok, err := vfs.Clone(sm.fs, fs, "data", "data"); err != nil || !ok {
		t.Fatal(ok, err)
	}
	return fs
}

// wrong returns what is wrong with the answers of a store, nil where each is an
// error or what the model says.
func wrong(ctx context.Context, s *pebble.Store, model *storetest.Model) error {
	if err := wrongPoints(ctx, s, model); err != nil {
		return err
	}
	for n := 0; n < 300; n += 7 {
		e := streamEvent(rand.New(rand.NewPCG(1, 1)), n)
		want, missing := model.Message(ctx, e.Channel, e.Message)
		got, err := s.Message(ctx, e.Channel, e.Message)
		if err == nil && (missing != nil || !got.Equal(&want)) || missing == nil && waybill.CodeOf(err) == waybill.NotFound {
			return fmt.Errorf("message %s is %+v, want %+v; the error is %w", e.Message, got, want, err)
		}
	}
	return nil
}

func wrongPoints(ctx context.Context, s *pebble.Store, model *storetest.Model) error {
	for _, basis := range []waybill.Basis{waybill.ByEvent, waybill.BySend} {
		for _, by := range [][]waybill.Dimension{
			nil,
			{waybill.Dimension(waybill.LabelSender)},
			{waybill.Dimension(waybill.LabelTemplate)},
			{waybill.Dimension(waybill.LabelCampaign), waybill.DimDetail},
		} {
			q := waybill.Query{
				Channels: []waybill.ChannelNumber{1, 2}, To: waybill.MaxInstant, Granularity: waybill.Hour, Basis: basis, GroupBy: by,
			}
			want, _ := model.Points(ctx, q)
			if got, err := s.Points(ctx, q); err == nil && fmt.Sprint(got) != fmt.Sprint(want) {
				return fmt.Errorf("the points by %v, basis %d, are\n%v, want\n%v", by, basis, got, want)
			}
		}
	}
	return nil
}

// use opens a store in fs and does with it what there is to do. It returns what is
// wrong: errors are not.
func (sm *sample) use(t *testing.T, fs vfs.FS) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	s, err := pebble.Open("data", sampleOptions(fs))
	if err != nil {
		return nil
	}
	defer s.Close()
	if err := s.Settled(t.Context()); err != nil {
		return nil
	}
	if err := wrong(t.Context(), s, sm.model); err != nil {
		return err
	}
	model := sm.later
	if _, err := s.Append(t.Context(), sm.next); err != nil {
		model = sm.model
	}
	if err := wrong(t.Context(), s, model); err != nil {
		return err
	}
	differences, err := s.Verify(t.Context(), 3)
	if err == nil && len(differences) > 0 {
		return fmt.Errorf("Verify returns %+v", differences)
	}
	return nil
}

// TestFlippedBytes flips a bit here and there in each file.
func TestFlippedBytes(t *testing.T) {
	flips := max(6, trials()/2) // in each file
	sm := newSample(t)
	names, err := sm.fs.List("data")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	r := rand.New(rand.NewPCG(21, 22))
	for _, name := range names {
		for range flips {
			fs := sm.clone(t)
			at := flip(t, fs, "data/"+name, r)
			if at < 0 {
				break
			}
			if err := sm.use(t, fs); err != nil {
				t.Errorf("with a bit of byte %d of %s flipped: %.600s", at, name, err)
			}
		}
	}
}

// flip flips a bit of a file and returns the byte in which it is, -1 where there is
// none.
func flip(t *testing.T, fs *vfs.MemFS, path string, r *rand.Rand) int64 {
	t.Helper()
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return -1 // a directory
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return -1
	}
	at := r.Int64N(info.Size())
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	b[0] ^= 1 << r.IntN(8)
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	return at
}

// TestATornLogIsFound cuts what was acknowledged off the newest log.
func TestATornLogIsFound(t *testing.T) {
	sm := newSample(t)
	names, err := sm.fs.List("data")
	if err != nil {
		t.Fatal(err)
	}
	newest := ""
	for _, name := range names {
		if strings.HasSuffix(name, ".log") {
			newest = max(newest, name)
		}
	}
	f, err := sm.fs.Open("data/" + newest)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	cut, err := sm.fs.Create("data/"+newest, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cut.Write(data[:len(data)-100]); err != nil {
		t.Fatal(err)
	}
	_, err = pebble.Open("data", sampleOptions(sm.fs))
	if err == nil || !strings.Contains(err.Error(), "was acknowledged") {
		t.Errorf("Open fails with %v", err)
	}
	if err := sm.fs.Remove("data/acknowledged"); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, "data", sampleOptions(sm.fs))
	if differences, err := s.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
		t.Errorf("Verify returns %+v, %v", differences, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFailingReads lets one read after the other fail.
func TestFailingReads(t *testing.T) {
	step := int64(7)
	if trials() >= 200 {
		step = 1
	}
	sm := newSample(t)
	for _, forever := range []bool{false, true} {
		for number := int64(1); ; number += step {
			f := &fault{number: number, forever: forever, reads: true}
			fs := sm.clone(t)
			if err := sm.use(t, errorfs.Wrap(fs, f)); err != nil {
				t.Fatalf("read %d failed, for ever = %t: %.600s", number, forever, err)
			}
			if f.seen.Load() < number {
				t.Logf("%d reads failed, for ever = %t", number-1, forever)
				break
			}
		}
	}
}
