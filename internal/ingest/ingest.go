// Package ingest is the way into the ledger: Recorder turns concurrent reports
// into few durable commits, and Parking keeps webhook bodies whose channel is
// not known yet. It knows no vendor and no wire format.
//
// Both are shared by tenants that need not wish each other well. What one of
// them takes is therefore bounded by what is left for the others.
package ingest

import (
	"time"

	"waybill"
)

// overShare reports whether one who has own, of which all is taken, has more
// than a third of what is left. Alone, one gets a quarter of the limit; and
// however many take all they can, who has nothing yet finds room.
func overShare[N int | int64](own, all, limit N) bool {
	return 3*own > limit-all
}

// busy returns the error of a call that may be repeated a little later.
func busy(message string) *waybill.Error {
	return &waybill.Error{Code: waybill.Unavailable, Message: message, RetryAfter: time.Second}
}
