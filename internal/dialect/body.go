package dialect

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"waybill"
)

// ReadBody returns the body of r as it was sent, which can be read only once. It
// fails with TooLarge when there are more than limit bytes, and with Invalid
// when the body ends early or does not arrive in time.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, waybill.Errorf(waybill.TooLarge,
			"the body has %d bytes, more than %d", r.ContentLength, limit)
	}
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, readError(err, len(body))
	}
	if int64(len(body)) > limit {
		return nil, waybill.Errorf(waybill.TooLarge, "the body has more than %d bytes", limit)
	}
	return body, nil
}

// readError says why a body could not be read, without the addresses that
// errors of a connection carry.
func readError(err error, read int) error {
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return waybill.Errorf(waybill.TooLarge, "the body has more than %d bytes", e.Limit)
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return waybill.Errorf(waybill.Invalid, "only %d bytes of the body arrived in time", read)
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		err = e.Err
	}
	return waybill.Errorf(waybill.Invalid, "read the body after %d bytes: %v", read, err)
}

// ReadInflated returns the body of r, inflated if its Content-Encoding is gzip
// or zstd. At most compressed bytes of a compressed body are read, and at most
// inflated bytes of any come out; more is TooLarge. An empty body is empty
// whatever its encoding, since some clients announce one on a GET. Other and
// stacked encodings are Invalid.
func ReadInflated(r *http.Request, compressed, inflated int64) ([]byte, error) {
	encoding := strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ","))
	if encoding == "" || strings.EqualFold(encoding, "identity") {
		return ReadBody(r, inflated)
	}
	body, err := ReadBody(r, compressed)
	if err != nil || len(body) == 0 {
		return body, err
	}
	inflate := decoderOf(encoding)
	if inflate == nil {
		return nil, waybill.Errorf(waybill.Invalid,
			"content encoding %.64q is not one of identity, gzip, zstd", encoding)
	}
	out, err := inflate(body, inflated)
	if err != nil {
		return nil, err
	}
	if int64(len(out)) > inflated {
		return nil, tooInflated(inflated)
	}
	return out, nil
}

// decoderOf returns what inflates an encoding, nil where nothing does.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1
func decoderOf(encoding string) func([]byte, int64) ([]byte, error) {
	switch strings.ToLower(encoding) {
	case "gzip", "x-gzip":
		return inflateGzip
	case "zstd":
		return inflateZstd
	}
	return nil
}

func tooInflated(limit int64) error {
	return waybill.Errorf(waybill.TooLarge, "the body inflates to more than %d bytes", limit)
}

// inflateGzip returns at most limit+1 bytes.
func inflateGzip(body []byte, limit int64) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, waybill.Errorf(waybill.Invalid, "inflate gzip: %v", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, limit+1))
	if err != nil {
		return nil, waybill.Errorf(waybill.Invalid, "inflate gzip after %d bytes: %v", len(out), err)
	}
	return out, nil
}

// zstdWindow is the window that every decoder should support.
//
// https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.1.2
const zstdWindow = 8 << 20

// inflateZstd returns at most limit+1 bytes. The usual window is allowed even
// where the limit is smaller, since it says little of the size.
func inflateZstd(body []byte, limit int64) ([]byte, error) {
	memory := uint64(max(limit, zstdWindow))
	z, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderMaxMemory(memory), zstd.WithDecoderMaxWindow(memory))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	// Most bodies fit what they can be expected to inflate to. The buffer must
	// not grow: it would be copied for every frame, and there can be thousands.
	guess := min(max(16*int64(len(body)), 64<<10), limit)
	if out, err := z.DecodeAll(body, make([]byte, 0, guess)); err == nil {
		return out, nil
	}
	// A stream costs its window, and tells too large from broken.
	if err := z.Reset(bytes.NewReader(body)); err != nil {
		return nil, waybill.Errorf(waybill.Invalid, "inflate zstd: %v", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, limit+1))
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nil, tooInflated(limit)
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return nil, waybill.Errorf(waybill.TooLarge, "the zstd window is larger than %d bytes", memory)
	case err != nil:
		return nil, waybill.Errorf(waybill.Invalid, "inflate zstd after %d bytes: %v", len(out), err)
	}
	return out, nil
}
