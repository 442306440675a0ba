package spelling_test

import (
	"strings"
	"testing"

	"waybill/internal/spelling"
)

func TestClosest(t *testing.T) {
	known := []string{"status", "sender", "segment", "at", "Asia/Shanghai"}
	tests := []struct{ name, word, want string }{
		{"the word itself", "status", "status"},
		{"case does not matter", "STATUS", "status"},
		{"a letter too few", "statu", "status"},
		{"a letter too many", "sstatus", "status"},
		{"a wrong letter", "stapus", "status"},
		{"neighbours swapped", "satus", "status"},
		{"two neighbours swapped", "statsu", "status"},
		{"a long word may have more mistakes", "asia/shnghia", "Asia/Shanghai"},
		{"a short one may not", "xy", ""},
		{"nothing close", "template", ""},
		{"nothing at all", "", ""},
		{"a very long word", strings.Repeat("status", 100), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := spelling.Closest(tt.word, known); got != tt.want {
				t.Errorf("Closest(%q) = %q, want %q", tt.word, got, tt.want)
			}
		})
	}
	if got := spelling.Question("sendr", known); got != `, did you mean "sender"?` {
		t.Errorf("Question = %q", got)
	}
	if got := spelling.Question("template", known); got != "" {
		t.Errorf("Question = %q where nothing is close", got)
	}
}
