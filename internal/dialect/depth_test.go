package dialect_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/dialect"
)

func TestCheckDepth(t *testing.T) {
	tests := []struct {
		name, text string
		limit      int
		ok         bool
	}{
		{"a scalar needs none", `1`, 0, true},
		{"an array needs one", `[]`, 0, false},
		{"siblings are not nested", `[[],{},[{}]]`, 3, true},
		{"objects and arrays count alike", `{"a":[{"b":[1]}]}`, 3, false},
		{"brackets in strings do not count", `["[[[{{{"]`, 1, true},
		{"an escaped quote does not end a string", `["\"[[["]`, 1, true},
		{"an escaped backslash does", `["\\",[]]`, 1, false},
		{"stray closing brackets buy nothing", `]]]]]][[`, 1, false},
		{"an open string hides the rest", `"[[[[`, 0, true},
		{"a backslash at the end", `"\`, 0, true},
		{"nothing", ``, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := dialect.CheckDepth([]byte(tt.text), tt.limit)
			if (err == nil) != tt.ok || err != nil && waybill.CodeOf(err) != waybill.Invalid {
				t.Errorf("CheckDepth(%s, %d) = %v", tt.text, tt.limit, err)
			}
		})
	}
}

func TestCheckDepthOfHostileText(t *testing.T) {
	deep := strings.Repeat(`{"a":[`, 50_000)
	start := time.Now()
	err := dialect.CheckDepth([]byte(deep), 64)
	if err == nil || !strings.Contains(err.Error(), "deeper than 64") {
		t.Errorf("a depth of 100000 passed 64: %v", err)
	}
	if err := dialect.CheckDepth([]byte(deep), 100_000); err != nil {
		t.Errorf("a depth of 100000 failed 100000: %v", err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v", took)
	}
}

// nesting returns the depth of the next value of d, by recursion.
func nesting(d *json.Decoder) (int, error) {
	token, err := d.Token()
	if err != nil {
		return 0, err
	}
	if _, ok := token.(json.Delim); !ok {
		return 0, nil
	}
	deepest := 0
	for d.More() {
		inner, err := nesting(d)
		if err != nil {
			return 0, err
		}
		deepest = max(deepest, inner)
	}
	_, err = d.Token()
	return deepest + 1, err
}

func FuzzCheckDepth(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,{"b":"]\"["}]}`, `[[[]]]`, `"\\"`, `{"\u005b":[]}`, `[`, `]`, `"`, `{"a":[[]],"a":1}`, "\xff",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			_ = dialect.CheckDepth(text, 3) // must not panic
			return
		}
		want, err := nesting(json.NewDecoder(bytes.NewReader(text)))
		if err != nil {
			t.Skip(err)
		}
		if err := dialect.CheckDepth(text, want); err != nil {
			t.Errorf("%q is %d deep, yet %v", text, want, err)
		}
		if want > 0 && dialect.CheckDepth(text, want-1) == nil {
			t.Errorf("%q is %d deep, and passed %d", text, want, want-1)
		}
	})
}

func BenchmarkCheckDepth(b *testing.B) {
	text := []byte(strings.Repeat(`{"id":"wamid.HBgL","statuses":[{"status":"delivered","timestamp":"1700000000"}]},`, 1000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if err := dialect.CheckDepth(text, 64); err != nil {
			b.Fatal(err)
		}
	}
}
