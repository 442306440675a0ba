package waybill

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// MaxClicks is the number of clicks that a message keeps: the earliest ones.
const MaxClicks = 64

// A Button is what was clicked, in the vendor's words.
type Button struct {
	Type string // such as "quick_reply_button"
	Text string
}

func (b Button) compare(c Button) int {
	return cmp.Or(strings.Compare(b.Type, c.Type), strings.Compare(b.Text, c.Text))
}

// A Click is one press of a button of a message.
type Click struct {
	ID     string
	At     Instant
	Button Button
}

// ClickID returns the identity of a click whose source gives none: clicks on the
// same button in the same second are then one.
func ClickID(b Button, at Instant) string {
	sum := sha256.Sum256([]byte(b.Type + "\x00" + b.Text + "\x00" + strconv.FormatInt(int64(at), 10)))
	return "~" + hex.EncodeToString(sum[:12])
}

// mergeClicks returns the join of a and b, both ordered by ID: of each ID the
// smallest click by time and button, and of those the MaxClicks smallest by
// time and ID. What was cut can never come back by a later repetition, because
// the clicks that displaced it only ever get smaller; so the cut keeps the join
// associative. The result is a new slice whenever it differs from a.
func mergeClicks(a, b []Click) []Click {
	if len(b) == 0 {
		return a
	}
	merged := make([]Click, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := strings.Compare(a[0].ID, b[0].ID); {
		case c < 0:
			merged, a = append(merged, a[0]), a[1:]
		case c > 0:
			merged, b = append(merged, b[0]), b[1:]
		default:
			merged = append(merged, smaller(a[0], b[0]))
			a, b = a[1:], b[1:]
		}
	}
	merged = append(append(merged, a...), b...)
	if len(merged) <= MaxClicks {
		return merged
	}
	slices.SortFunc(merged, func(x, y Click) int {
		return cmp.Or(cmp.Compare(x.At, y.At), strings.Compare(x.ID, y.ID))
	})
	merged = slices.Clip(merged[:MaxClicks])
	slices.SortFunc(merged, func(x, y Click) int { return strings.Compare(x.ID, y.ID) })
	return merged
}

// smaller returns the smaller of two clicks with the same ID.
func smaller(x, y Click) Click {
	if cmp.Or(cmp.Compare(x.At, y.At), x.Button.compare(y.Button)) <= 0 {
		return x
	}
	return y
}
