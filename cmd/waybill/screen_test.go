package main

import "testing"

func TestBar(t *testing.T) {
	for _, tt := range []struct {
		value, largest int64
		want           string
	}{
		{0, 10, ""}, {10, 10, "████"}, {5, 10, "██"}, {1, 32, "▏"}, {3, 32, "▍"}, {1, 0, ""},
	} {
		if got := bar(tt.value, tt.largest, 4); got != tt.want {
			t.Errorf("bar of %d of %d is %q, want %q", tt.value, tt.largest, got, tt.want)
		}
	}
}

func TestSpark(t *testing.T) {
	for _, tt := range []struct {
		values []int64
		want   string
	}{
		{nil, ""}, {[]int64{0, 1, 4, 8}, " ▁▄█"}, {[]int64{1, 1, 2, 2, 0, 8}, "▂▄█"}, {[]int64{0, 0}, "  "},
	} {
		if got := spark(tt.values, 4); got != tt.want {
			t.Errorf("spark of %v is %q, want %q", tt.values, got, tt.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	if got, want := printable("a\x1b[31m\n\xffé"), "a\uFFFD[31m\uFFFD\uFFFDé"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
