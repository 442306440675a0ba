package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// An Input is a file, or a stream that can be read once.
type Input struct {
	Name   string    // of the file, or of the stream in messages
	Stream io.Reader // nil for a file
}

// Stat returns the size of the input in bytes, compressed, and the time of its
// last change; the size is negative where nobody knows it.
func (in *Input) Stat() (size int64, changed time.Time, err error) {
	if in.Stream != nil {
		return -1, time.Time{}, nil
	}
	info, err := os.Stat(in.Name)
	if err != nil {
		return 0, time.Time{}, err
	}
	switch {
	case info.IsDir():
		return 0, time.Time{}, fmt.Errorf("%s is a directory; name the files in it, such as %s/*", in.Name, in.Name)
	case !info.Mode().IsRegular():
		return -1, time.Time{}, nil
	}
	return info.Size(), info.ModTime(), nil
}

// wrap says which input an error is about.
func (in *Input) wrap(err error) error { return fmt.Errorf("%s: %w", in.Name, err) }

// An opened is an input that is being read: decompressed, whatever its name says.
type opened struct {
	*bufio.Reader
	file       *os.File // nil for a stream
	compressed string   // the name of the compression, if any
	close      []func() error
}

// readAhead is how much of an input is read at once, in bytes.
const readAhead = 256 << 10

// maxWindow bounds the memory that a zstd input makes us use, in bytes.
const maxWindow = 128 << 20

func (in *Input) open(m *Meter) (*opened, error) {
	o := &opened{}
	source := in.Stream
	if source == nil {
		f, err := os.Open(in.Name)
		if err != nil {
			return nil, err
		}
		o.file, source = f, f
		o.close = append(o.close, f.Close)
	}
	raw := bufio.NewReaderSize(&metered{source, m}, readAhead)
	o.Reader = raw
	var err error
	begin, _ := raw.Peek(4) // a short input is not compressed
	switch {
	case bytes.HasPrefix(begin, []byte{0x1f, 0x8b}):
		o.compressed = "gzip"
		var z *gzip.Reader
		if z, err = gzip.NewReader(raw); err == nil {
			o.Reader = bufio.NewReaderSize(&inflated{z, o.compressed}, readAhead)
		}
	case bytes.Equal(begin, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		o.compressed = "zstd"
		var z *zstd.Decoder
		if z, err = zstd.NewReader(raw, zstd.WithDecoderMaxWindow(maxWindow)); err == nil {
			o.close = append(o.close, func() error { z.Close(); return nil })
			o.Reader = bufio.NewReaderSize(&inflated{z, o.compressed}, readAhead)
		}
	}
	if err != nil {
		return nil, in.wrap(fmt.Errorf("it looks like %s, but %w", o.compressed, err))
	}
	if mark, _ := o.Peek(3); string(mark) == "\xef\xbb\xbf" { // some editors put it before UTF-8
		_, _ = o.Discard(len(mark))
	}
	return o, nil
}

// An inflated says of what cannot be decompressed how it is compressed.
type inflated struct {
	io.Reader
	compression string
}

func (r *inflated) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	switch {
	case err == nil, errors.Is(err, io.EOF):
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("what %s compressed is cut off: is the file whole?", r.compression)
	default:
		err = fmt.Errorf("what %s compressed is damaged, or something else follows it: %w", r.compression, err)
	}
	return n, err
}

// Close closes the file.
func (o *opened) Close() error {
	var first error
	for _, c := range o.close {
		if err := c(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// A Meter says how far an import is. All methods can be called while it runs.
type Meter struct {
	read, received, rejected atomic.Int64
}

// Read returns how many bytes of the inputs have been read, as they are stored.
func (m *Meter) Read() int64 { return m.read.Load() }

// Rows returns how many rows are done, and how many of them were rejected.
func (m *Meter) Rows() (received, rejected int64) { return m.received.Load(), m.rejected.Load() }

func (m *Meter) skip(bytes int64) { m.read.Add(max(bytes, 0)) }

func (m *Meter) rows(received, rejected int) {
	m.received.Add(int64(received))
	m.rejected.Add(int64(rejected))
}

// metered counts what is read of an input.
type metered struct {
	io.Reader
	meter *Meter
}

func (r *metered) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.meter.read.Add(int64(n))
	return n, err
}
