package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// days is a length of time that is given in days: 400d. 0 is none.
type days time.Duration

// maxDays is what a time.Duration has room for, and more than anybody keeps.
const maxDays = 36500

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *days) UnmarshalText(text []byte) error {
	number, ok := strings.CutSuffix(string(text), "d")
	n, err := strconv.Atoi(number)
	switch {
	case err != nil || !ok && n != 0:
		return fmt.Errorf("%q is no number of days such as 400d", text)
	case n < 0 || n > maxDays:
		return fmt.Errorf("%q is not between 0 and %dd", text, maxDays)
	}
	*d = days(time.Duration(n) * 24 * time.Hour)
	return nil
}
