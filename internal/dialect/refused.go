package dialect

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"waybill"
)

// Refused reports whether err, which a store has returned, is about what it was
// given and not about the store: the same again would fail again.
func Refused(err error) bool {
	switch waybill.CodeOf(err) {
	case waybill.Invalid, waybill.Conflict, waybill.NotFound, waybill.TooLarge:
		return err != nil
	}
	return false
}

// ErrNotPost is a webhook with another method than POST.
var ErrNotPost = errors.New("webhooks are posted")

// Unrecorded returns how a webhook is answered of which nothing could be recorded,
// and sets the headers of that answer. Whatever the server is to blame for is 503,
// so that the sender tries again, and is logged unless the sender has gone.
func Unrecorded(ctx context.Context, log *slog.Logger, header http.Header, err error) (status int, told string) {
	if errors.Is(err, ErrNotPost) {
		header.Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, err.Error()
	}
	known, _ := errors.AsType[*waybill.Error](err)
	switch waybill.CodeOf(err) {
	case waybill.Denied:
		return http.StatusForbidden, known.Message
	case waybill.Invalid:
		return http.StatusBadRequest, known.Message
	case waybill.TooLarge:
		return http.StatusRequestEntityTooLarge, known.Message
	}
	wait := time.Second
	if known != nil && known.Code == waybill.Unavailable {
		wait = max(wait, known.RetryAfter)
	} else if ctx.Err() == nil {
		log.ErrorContext(ctx, "webhook not recorded", "err", err)
	}
	header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return http.StatusServiceUnavailable, "the webhook can't be recorded now"
}
