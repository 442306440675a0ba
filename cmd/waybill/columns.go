package main

import (
	"io"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// writeColumns writes rows of text in columns, as wide as their widest cell.
func writeColumns(w io.Writer, rows [][]string) error {
	return writeAligned(w, rows, nil)
}

// writeAligned is writeColumns that aligns the columns to the right of which right
// says so.
func writeAligned(w io.Writer, rows [][]string, right []bool) error {
	widths := columnWidths(rows)
	var out strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			cell = printable(cell)
			gap := strings.Repeat(" ", max(0, widths[i]-runewidth.StringWidth(cell)))
			if i > 0 {
				line.WriteString("  ")
			}
			if i < len(right) && right[i] {
				line.WriteString(gap + cell)
				continue
			}
			line.WriteString(cell + gap)
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func columnWidths(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], runewidth.StringWidth(printable(cell)))
		}
	}
	return widths
}

// printable returns a text such that it cannot control a terminal: others choose
// the values of labels.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}
