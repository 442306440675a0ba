package waybill

import (
	"errors"
	"fmt"
	"time"
)

// A Code is the kind of an Error. Dialects translate codes into their vendor's
// errors and never look at messages.
type Code string

// The codes.
const (
	Invalid         Code = "invalid"         // the caller sent something wrong
	Unauthenticated Code = "unauthenticated" // nobody we know
	Denied          Code = "denied"          // known, but not allowed
	NotFound        Code = "not_found"
	Conflict        Code = "conflict"
	TooLarge        Code = "too_large"    // more than a bound allows
	RateLimited     Code = "rate_limited" // too many calls
	Unavailable     Code = "unavailable"  // try again after RetryAfter
	Internal        Code = "internal"     // everything else
)

// An Error is a failure that a caller may be told about.
type Error struct {
	Code    Code
	Message string

	// RetryAfter is how long the caller should wait; zero where waiting
	// does not help.
	RetryAfter time.Duration
}

func (e *Error) Error() string { return e.Message }

// Errorf returns an Error with a formatted message.
func Errorf(code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of the first Error in err's chain, Internal where
// there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}
