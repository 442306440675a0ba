package load

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// elements reads events that are the elements of one array.
type elements struct {
	decoder *jsontext.Decoder
	bound   *rowBound
	number  int
	begun   bool
	ended   bool
}

func newElements(from io.Reader) *elements {
	bound := &rowBound{from: from}
	return &elements{
		decoder: jsontext.NewDecoder(bound, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
		bound:   bound,
	}
}

// skip reads the elements again that were imported: where one begins cannot be
// told without those before it.
func (e *elements) skip(to Position) error {
	for e.number < to.Line {
		if _, err := e.element(); err != nil {
			return err
		}
	}
	return nil
}

// element returns the next element, or io.EOF behind the last.
func (e *elements) element() (jsontext.Value, error) {
	e.bound.begin()
	if e.ended {
		return nil, io.EOF
	}
	if !e.begun {
		if _, err := e.decoder.ReadToken(); err != nil {
			return nil, e.broken(err)
		}
		e.begun = true
	}
	if e.decoder.PeekKind() == ']' {
		if _, err := e.decoder.ReadToken(); err != nil {
			return nil, e.broken(err)
		}
		if _, err := e.decoder.ReadToken(); !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("something follows the array, at byte %d", e.decoder.InputOffset())
		}
		e.ended = true
		return nil, io.EOF
	}
	text, err := e.decoder.ReadValue()
	if err != nil {
		return nil, e.broken(err)
	}
	e.number++
	return text, nil
}

// broken says where the array cannot be read any further.
func (e *elements) broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the array ends early, after element %d", e.number)
	}
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("the array is no JSON at byte %d, after element %d: %w", s.ByteOffset, e.number, s.Err)
	}
	return err
}

func (e *elements) next() (*Piece, error) {
	p := &Piece{}
	for len(p.rows) < pieceRows && len(p.Text) < pieceBytes {
		text, err := e.element()
		if errors.Is(err, io.EOF) && len(p.rows) > 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		p.texts = append(p.texts, shorten(text))
		p.rows = append(p.rows, e.number)
		text = text.Clone()
		if err := text.Compact(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
			return nil, err
		}
		p.Text = append(append(p.Text, text...), '\n')
	}
	p.Next.Line = e.number
	p.trim()
	return p, nil
}
