package telemetry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"waybill/internal/telemetry"
)

// Nobody waits for a value, and it is asked for only when it is old and somebody
// takes it.
func TestCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, fails := 0, false
		c := telemetry.NewCached(10*time.Second, func(context.Context) (int, error) {
			asked++
			n := asked
			time.Sleep(100 * time.Millisecond)
			if fails {
				return 0, errors.New("no")
			}
			return n, nil
		})
		take := func(wantValue, wantAsked int) {
			t.Helper()
			begun := time.Now()
			value, _, ok := c.Latest()
			if took := time.Since(begun); took != 0 {
				t.Errorf("waited %s", took)
			}
			if value != wantValue || ok != (wantValue > 0) {
				t.Errorf("value %d, %t, want %d", value, ok, wantValue)
			}
			synctest.Wait()
			if asked != wantAsked {
				t.Errorf("asked %d times, want %d", asked, wantAsked)
			}
		}
		take(0, 1)
		take(0, 1) // it is being asked for
		time.Sleep(time.Second)
		take(1, 1)
		time.Sleep(time.Hour) // nobody takes it, nobody asks
		fails = true
		take(1, 2)
		time.Sleep(time.Second)
		take(1, 2) // an error leaves what there is, and is not repeated at once
		fails = false
		time.Sleep(10 * time.Second)
		take(1, 3)
		time.Sleep(time.Second)
		if value, at, _ := c.Latest(); value != 3 || time.Since(at) != time.Second {
			t.Errorf("value %d of %s ago", value, time.Since(at))
		}
	})
}

// What takes long is asked for more seldom.
func TestCachedRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := telemetry.NewCached(10*time.Second, func(context.Context) (int, error) {
			asked++
			time.Sleep(30 * time.Second)
			return asked, nil
		})
		for range 1201 { // 20 minutes
			c.Latest()
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if asked != 3 {
			t.Errorf("asked %d times in 20 minutes, want 3", asked)
		}
		time.Sleep(time.Minute)
	})
}
