package dialect

import "waybill"

// Refused reports whether err, which a store has returned, is about what it was
// given and not about the store: the same again would fail again.
func Refused(err error) bool {
	switch waybill.CodeOf(err) {
	case waybill.Invalid, waybill.Conflict, waybill.NotFound, waybill.TooLarge:
		return err != nil
	}
	return false
}
