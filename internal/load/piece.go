package load

import (
	"bytes"
	"cmp"
	"slices"

	"waybill/internal/event"
)

// Bounds of a piece. Several are in memory at once.
const (
	pieceBytes = 2 << 20
	pieceRows  = 10_000 // of a table

	// maxPieceLines keeps a piece within what a server takes in one body.
	maxPieceLines = 50_000

	// maxRejectedText bounds what is kept of a row that is rejected, in bytes.
	maxRejectedText = 64 << 10
)

// A Piece is some rows of an input that follow each other, as lines of Waybill's
// own events, or one saved body of a webhook.
type Piece struct {
	Text []byte
	Next Position // where the piece after this one begins

	// Rejected has the rows that cannot be read at all; they are not in Text.
	Rejected []Rejection

	first int      // line of the input that the first line of Text is
	rows  []int    // instead of first, where the lines of Text are not those of the input
	texts []string // instead of the lines of Text, how the rows look in the input

	last bool // nothing: the input has ended
}

// A Position is a place in an input between two rows.
type Position struct {
	Offset int64 `json:"offset"` // bytes of the text, decompressed; rows of a table in Parquet
	Line   int   `json:"line"`   // rows before it
}

// Place returns where line n of p.Text, from 1, stands in the input.
func (p *Piece) Place(n int) int {
	if p.rows != nil {
		return p.rows[n-1]
	}
	return p.first + n - 1
}

// trim takes the rows from the beginning that are no objects, and rejects them: the
// first byte of a body decides what all of it is.
func (p *Piece) trim() {
	for len(p.Text) > 0 {
		line, rest, _ := bytes.Cut(p.Text, []byte("\n"))
		line = bytes.Trim(line, " \t\r")
		if len(line) > 0 {
			if line[0] == '{' {
				return
			}
			p.Rejected = append(p.Rejected, Rejection{Line: p.Place(1), Reason: event.Check(line).Error(), Text: shorten(line)})
		}
		p.Text = rest
		if p.rows == nil {
			p.first++
			continue
		}
		p.rows = p.rows[1:]
		if p.texts != nil {
			p.texts = p.texts[1:]
		}
	}
}

// rejections completes rejections, whose lines are those of p.Text.
func (p *Piece) rejections(list []Rejection) []Rejection {
	slices.SortFunc(list, func(a, b Rejection) int { return cmp.Compare(a.Line, b.Line) })
	text, at := p.Text, 1
	for i := range list {
		n := list[i].Line
		if p.texts != nil {
			list[i].Text = p.texts[n-1]
		} else {
			for ; at < n; at++ {
				_, text, _ = bytes.Cut(text, []byte("\n"))
			}
			line, _, _ := bytes.Cut(text, []byte("\n"))
			list[i].Text = shorten(bytes.TrimRight(line, "\r"))
		}
		list[i].Line = p.Place(n)
	}
	return list
}

// shorten returns a text as it is kept with a rejection.
func shorten(text []byte) string {
	return string(bytes.ToValidUTF8(text[:min(len(text), maxRejectedText)], []byte("\uFFFD")))
}
