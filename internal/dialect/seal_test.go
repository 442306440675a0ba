package dialect_test

import (
	"strings"
	"testing"

	"waybill/internal/dialect"
)

func TestSeal(t *testing.T) {
	type claims struct{ Who string }
	newSeal := func(key byte, purpose string) *dialect.Seal {
		s, err := dialect.NewSeal([32]byte{key}, purpose)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := newSeal(1, "tea")
	token, err := s.Make("wb_", claims{"anna"})
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := s.Make("wb_", claims{"anna"}); again == token {
		t.Error("two tokens are the same")
	}
	if strings.Contains(token, "anna") {
		t.Errorf("the token %s can be read", token)
	}
	tests := []struct {
		name          string
		seal          *dialect.Seal
		prefix, token string
		opens         bool
	}{
		{"as made", s, "wb_", token, true},
		{"by another server of the installation", newSeal(1, "tea"), "wb_", token, true},
		{"with another key", newSeal(2, "tea"), "wb_", token, false},
		{"for another purpose", newSeal(1, "coffee"), "wb_", token, false},
		{"of another kind", s, "wb_x", "wb_x" + token[3:], false},
		{"without its prefix", s, "wb_", token[3:], false},
		{"cut", s, "wb_", token[:len(token)-4], false},
		{"with one character changed", s, "wb_", altered(token, 10), false},
		{"with a character that is none", s, "wb_", token + "=", false},
		{"empty", s, "wb_", "wb_", false},
		{"endless", s, "wb_", "wb_" + strings.Repeat("A", 1<<16), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c claims
			if opens := tt.seal.Open(tt.prefix, tt.token, &c); opens != tt.opens || opens && c.Who != "anna" {
				t.Errorf("Open returns %t and %q", opens, c.Who)
			}
		})
	}
}

// altered changes the character at i into another one of the alphabet.
func altered(token string, i int) string {
	other := "A"
	if token[i] == 'A' {
		other = "B"
	}
	return token[:i] + other + token[i+1:]
}
