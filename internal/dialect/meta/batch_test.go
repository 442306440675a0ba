package meta

import (
	"errors"
	"strings"
	"testing"

	"waybill"
)

// Held returns the memory that answers hold, for tests that look from outside.
func (a *API) Held() int64 {
	a.answers.mu.Lock()
	defer a.answers.mu.Unlock()
	if a.answers.all == 0 && len(a.answers.of) > 0 {
		return -1 // an account is kept that holds nothing
	}
	return a.answers.all
}

// TestMemoryOfAnswersIsBounded holds answers of many requests at once.
func TestMemoryOfAnswersIsBounded(t *testing.T) {
	var a API
	hold := func(account string, n int64) (*work, error) {
		w := &work{account: account}
		return w, a.hold(w, n)
	}
	first, err := hold("one", maxHeldOf)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.hold(first, 1); err == nil || !strings.HasPrefix(err.Error(), "Please reduce") {
		t.Errorf("more than one request may hold: %v", err)
	}
	if _, err := hold("one", 1); waybill.CodeOf(err) != waybill.Unavailable {
		t.Errorf("more than one account may hold: %v", err)
	}
	for _, other := range []string{"two", "three", "four"} {
		if _, err := hold(other, maxHeldOf); err != nil {
			t.Errorf("account %s: %v", other, err)
		}
	}
	if _, err := hold("five", 1); waybill.CodeOf(err) != waybill.Unavailable {
		t.Errorf("more than all may hold: %v", err)
	}
	a.release(first, maxHeldOf)
	if w, err := hold("five", 1); err != nil || w.held != 1 {
		t.Errorf("after one has ended: %v", err)
	}
	if first.held != 0 || a.Held() != 3*maxHeldOf+1 {
		t.Errorf("%d is held, of it %d by who gave all back", a.Held(), first.held)
	}
}

// TestBufferTakesWhatItHolds writes into a buffer until it is full.
func TestBufferTakesWhatItHolds(t *testing.T) {
	var a API
	b := &buffer{api: &a, work: new(work)}
	part := []byte(strings.Repeat("x", 1<<20))
	for i := range maxAnswerBytes >> 20 {
		if _, err := b.Write(part); err != nil {
			t.Fatalf("after %d MiB: %v", i, err)
		}
		if a.Held() < int64(len(b.bytes)) || a.Held() != int64(cap(b.bytes)) {
			t.Fatalf("%d of %d bytes are counted", a.Held(), cap(b.bytes))
		}
	}
	if _, err := b.Write(part[:1]); !errors.As(err, new(*graphError)) {
		t.Errorf("a byte more: %v", err)
	}
	b.drop()
	if a.Held() != 0 {
		t.Errorf("%d bytes stay", a.Held())
	}
}

// TestWorkIsBounded takes steps and points.
func TestWorkIsBounded(t *testing.T) {
	var w work
	for range maxSteps {
		if err := w.step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if w.step(t.Context()) == nil {
		t.Error("one step more is taken")
	}
	w = work{}
	if err := w.count(maxPoints); err != nil {
		t.Error(err)
	}
	if w.count(1) == nil {
		t.Error("one point more is taken")
	}
	if w.step(t.Context()) == nil {
		t.Error("a step is taken after that")
	}
}

// HeldOf returns what the answers to one account hold.
func (a *API) HeldOf(account string) int64 {
	a.answers.mu.Lock()
	defer a.answers.mu.Unlock()
	return a.answers.of[account]
}
