package meta

import (
	"strings"
	"testing"

	"waybill"
)

// TestAnswersOfAllBatchesAreBounded holds answers of many batches at once.
func TestAnswersOfAllBatchesAreBounded(t *testing.T) {
	var a API
	batches := make([]work, maxAnswerBytes/maxBatchBytes)
	for i := range batches {
		if err := a.hold(&batches[i], maxBatchBytes); err != nil {
			t.Fatal(err)
		}
		if err := a.hold(&batches[i], 1); err == nil || !strings.HasPrefix(err.Error(), "Please reduce") {
			t.Errorf("more than one batch may hold: %v", err)
		}
	}
	var last work
	if err := a.hold(&last, 1); waybill.CodeOf(err) != waybill.Unavailable {
		t.Errorf("more than all may hold: %v", err)
	}
	a.answers.Add(-batches[0].held)
	if err := a.hold(&last, 1); err != nil || last.held != 1 {
		t.Errorf("after one has ended: %v", err)
	}
}

// TestWorkIsBounded takes steps and points.
func TestWorkIsBounded(t *testing.T) {
	var w work
	for range maxSteps {
		if err := w.step(); err != nil {
			t.Fatal(err)
		}
	}
	if w.step() == nil {
		t.Error("one step more is taken")
	}
	w = work{}
	if err := w.count(maxPoints); err != nil {
		t.Error(err)
	}
	if w.count(1) == nil {
		t.Error("one point more is taken")
	}
	if w.step() == nil {
		t.Error("a step is taken after that")
	}
}
