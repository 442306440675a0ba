package dialect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"waybill"
)

// CheckLength fails with TooLarge when r announces a body of more than limit
// bytes. A body that announces nothing passes.
func CheckLength(r *http.Request, limit int64) error {
	if r.ContentLength > limit {
		return waybill.Errorf(waybill.TooLarge,
			"the body has %d bytes, more than %d", r.ContentLength, limit)
	}
	return nil
}

// ReadBody returns the body of r as it was sent, which can be read only once. It
// fails with TooLarge when there are more than limit bytes, with Invalid when
// the body ends early or does not arrive in time, and with Unavailable when
// there is no room for it in the server's budget.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	if err := CheckLength(r, limit); err != nil {
		return nil, err
	}
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := readAll(r.Context(), r.Body, r.ContentLength, limit)
	if err != nil {
		return nil, readError(err, len(body))
	}
	if int64(len(body)) > limit {
		return nil, waybill.Errorf(waybill.TooLarge, "the body has more than %d bytes", limit)
	}
	return body, nil
}

// readAll returns at most limit+1 bytes of from, and takes the memory for them
// from the budget of ctx before it is used. The size is the probable one, -1
// where nothing is known.
func readAll(ctx context.Context, from io.Reader, size, limit int64) ([]byte, error) {
	var body []byte
	for int64(len(body)) <= limit {
		room := min(nextRoom(int64(cap(body)), size), limit+1)
		if err := Hold(ctx, room-int64(cap(body))); err != nil {
			return body, err
		}
		body = append(make([]byte, 0, room), body...)
		for len(body) < cap(body) {
			n, err := from.Read(body[len(body):cap(body)])
			body = body[:len(body)+n]
			if errors.Is(err, io.EOF) {
				return body, nil
			}
			if err != nil {
				return body, err
			}
		}
	}
	return body, nil
}

// nextRoom returns the capacity of a buffer after the given one is full. A body
// of known size gets the whole once it has begun to arrive, since anybody can
// announce a size. Until then a large one has little, which is copied. It does not get
// the whole bit by bit, because many that wait for more while they hold a part
// would keep each other from the end. One byte more is for seeing it.
func nextRoom(room, size int64) int64 {
	const begun = 1 << 10
	switch {
	case size < room:
		return max(2*room, smallBody)
	case room == 0 && size >= smallBody:
		return begun
	}
	return size + 1
}

// readError says why a body could not be read, without the addresses that
// errors of a connection carry.
func readError(err error, read int) error {
	if e, ok := errors.AsType[*waybill.Error](err); ok {
		return e
	}
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
// stacked encodings are Invalid. It fails as ReadBody does, too.
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
	defer giveBack(r.Context(), int64(cap(body)))
	out, err := inflate(r.Context(), body, inflated)
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
func decoderOf(encoding string) func(context.Context, []byte, int64) ([]byte, error) {
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
func inflateGzip(ctx context.Context, body []byte, limit int64) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, waybill.Errorf(waybill.Invalid, "inflate gzip: %v", err)
	}
	out, err := readAll(ctx, z, -1, limit)
	return out, inflateError("gzip", err, len(out))
}

// zstdWindow is the window that every decoder should support.
//
// https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.1.2
const zstdWindow = 8 << 20

// inflateZstd returns at most limit+1 bytes. The usual window is allowed even
// where the limit is smaller, since it says little of the size.
func inflateZstd(ctx context.Context, body []byte, limit int64) ([]byte, error) {
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
	if err := Hold(ctx, guess); err != nil {
		return nil, err
	}
	if out, err := z.DecodeAll(body, make([]byte, 0, guess)); err == nil {
		return out, nil
	}
	giveBack(ctx, guess)
	// A stream costs its window, and tells too large from broken.
	if err := Hold(ctx, int64(memory)); err != nil {
		return nil, err
	}
	defer giveBack(ctx, int64(memory))
	if err := z.Reset(bytes.NewReader(body)); err != nil {
		return nil, waybill.Errorf(waybill.Invalid, "inflate zstd: %v", err)
	}
	out, err := readAll(ctx, z, -1, limit)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nil, tooInflated(limit)
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return nil, waybill.Errorf(waybill.TooLarge, "the zstd window is larger than %d bytes", memory)
	}
	return out, inflateError("zstd", err, len(out))
}

// inflateError says why a body could not be inflated, nil where it could.
func inflateError(encoding string, err error, read int) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*waybill.Error](err); ok {
		return e
	}
	return waybill.Errorf(waybill.Invalid, "inflate %s after %d bytes: %v", encoding, read, err)
}
