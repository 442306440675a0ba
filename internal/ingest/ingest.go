// Package ingest is the way into the ledger: Recorder turns concurrent reports
// into few durable commits, and Parking keeps webhook bodies whose channel is
// not known yet. It knows no vendor and no wire format.
package ingest

import (
	"time"

	"waybill"
)

// busy returns the error of a call that may be repeated a little later.
func busy(message string) *waybill.Error {
	return &waybill.Error{Code: waybill.Unavailable, Message: message, RetryAfter: time.Second}
}
