package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"waybill/internal/store/pebble"
)

// keepFlags say what the embedded store keeps of messages, and for how long. Only
// serve has them: what else opens a store must not drop anything.
type keepFlags struct {
	KeepMessages days `help:"How long the history of a message is kept, in days; 0d is for ever. Counts are kept for ever. Once histories are dropped, events from before that time are counted as too late." default:"400d" placeholder:"DAYS"`
	idFlags      `embed:""`
}

// idFlags say what is kept of a message besides what is counted. Whatever writes
// events has them.
type idFlags struct {
	KeepIDs string `name:"keep-ids" help:"What is kept to tell which messages are behind a number: ${enum}. The IDs of some vendors contain the recipient's phone number." enum:"off,ids,recipients" default:"recipients"`
}

func (f *keepFlags) options() pebble.Options {
	return pebble.Options{
		KeepMessages: time.Duration(f.KeepMessages) * 24 * time.Hour,
		KeepNames:    f.keepNames(),
	}
}

func (f *idFlags) keepNames() pebble.KeepNames {
	return map[string]pebble.KeepNames{
		"off": pebble.KeepNothing, "ids": pebble.KeepIDs, "recipients": pebble.KeepRecipients,
	}[f.KeepIDs]
}

// days is a number of whole days, written as "400d".
type days int

// maxDays is more than there is time since the earliest event.
const maxDays = 36500

// String returns d as it is written.
func (d days) String() string { return strconv.Itoa(int(d)) + "d" }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *days) UnmarshalText(text []byte) error {
	number, ok := strings.CutSuffix(string(text), "d")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 0 || n > maxDays {
		return fmt.Errorf("%q is not a number of days such as 400d, from 0d to %dd", text, maxDays)
	}
	*d = days(n)
	return nil
}
