package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// A screen is where a person reads. On a terminal it has a width, and may have
// styles.
type screen struct {
	io.Writer
	width  int // in characters; 0 where it is no terminal
	styled bool
}

// screenOf returns the screen that out is, written to through w.
func screenOf(out, w io.Writer) *screen {
	s := &screen{Writer: w}
	f, ok := out.(*os.File)
	if !ok || !isTerminal(f) {
		return s
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil {
		s.width = width
	}
	s.styled = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" // https://no-color.org
	return s
}

// Styles of ECMA-48.
const (
	bold = "1"
	dim  = "2"
	blue = "34"
)

// style returns a text in a style, where the screen has styles.
func (s *screen) style(style, text string) string {
	if !s.styled || text == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// bar returns a bar whose length is to width as value to largest, in eighths of a
// character.
func bar(value, largest int64, width int) string {
	if largest <= 0 || value <= 0 || width <= 0 {
		return ""
	}
	eighths := int(float64(value)/float64(largest)*float64(width)*8 + 0.5)
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return text
}

// spark returns one character for each value, as high as it is to the largest.
// Where there are more values than width, neighbours are added up.
func spark(values []int64, width int) string {
	if len(values) == 0 || width <= 0 {
		return ""
	}
	per := (len(values) + width - 1) / width
	var sums []int64
	for i, v := range values {
		if i%per == 0 {
			sums = append(sums, 0)
		}
		sums[len(sums)-1] += v
	}
	largest := int64(0)
	for _, v := range sums {
		largest = max(largest, v)
	}
	levels := []rune("▁▂▃▄▅▆▇█")
	var text strings.Builder
	for _, v := range sums {
		if v <= 0 {
			text.WriteByte(' ')
			continue
		}
		text.WriteRune(levels[int(v*int64(len(levels)-1)/largest)])
	}
	return text.String()
}
