package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"waybill"
	"waybill/internal/store/pebble"
)

// storeFlags name the store of a command that needs none of its secrets.
type storeFlags struct {
	Data string `help:"Directory of the embedded store, or a backup of one." default:"waybill-data" predictor:"dir" placeholder:"DIR"`
}

// openStore opens a store that must be there. Only serve and apply make one.
func (f *storeFlags) openStore() (*pebble.Store, error) {
	if _, err := os.Stat(f.Data); err != nil {
		return nil, fmt.Errorf("there is no store: %w", err)
	}
	return pebble.Open(f.Data, pebble.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler), MustExist: true})
}

type verifyCmd struct {
	storeFlags `embed:""`

	Limit int `help:"How many differences are printed at most." default:"100" placeholder:"N"`
}

// Run prints a line for each counter that is not the sum of what the messages
// contribute. It fails if there is one.
func (cmd *verifyCmd) Run(ctx context.Context, c console) error {
	if cmd.Limit < 1 {
		return fmt.Errorf("--limit %d is less than 1", cmd.Limit)
	}
	store, err := cmd.openStore()
	if waybill.CodeOf(err) == waybill.Conflict {
		return fmt.Errorf("%w; to verify what it has now, verify a backup of it", err)
	}
	if err != nil {
		return err
	}
	begun := time.Now()
	differences, err := cmd.verify(ctx, store)
	err = errors.Join(err, store.Close())
	for i := range differences[:min(len(differences), cmd.Limit)] {
		if err := tellDifference(c.out, &differences[i]); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	switch n := len(differences); {
	case n > cmd.Limit:
		return fmt.Errorf("more than %d counters differ", cmd.Limit)
	case n > 0:
		return fmt.Errorf("%d counters differ", n)
	}
	_, err = fmt.Fprintf(c.out, "no counter differs (%.1f s)\n", time.Since(begun).Seconds())
	return err
}

// verify waits for marks that are still on their way, which are no difference.
func (cmd *verifyCmd) verify(ctx context.Context, store *pebble.Store) ([]waybill.Difference, error) {
	if err := store.Settled(ctx); err != nil {
		return nil, err
	}
	return store.Verify(ctx, cmd.Limit+1)
}

// tellDifference prints one counter that is not what it should be.
func tellDifference(w io.Writer, d *waybill.Difference) error {
	slot, tuple := &d.Cell.Slot, &d.Cell.Tuple
	where := "all time"
	if !d.AllTime {
		basis := "event"
		if slot.Basis == waybill.BySend {
			basis = "send"
		}
		where = slot.Quarter.Start().Time().Format(time.RFC3339) + " by " + basis
	}
	labels := []string{tuple.Kind.String()}
	for l, value := range tuple.Values {
		if value != "" {
			labels = append(labels, fmt.Sprintf("%s=%s", waybill.Label(l), value))
		}
	}
	if tuple.Collected {
		labels = append(labels, "collected")
	}
	if slot.Detail != (waybill.Detail{}) {
		labels = append(labels, fmt.Sprintf("detail=%q", slot.Detail))
	}
	_, err := fmt.Fprintf(w, "channel %d, %s, %s {%s}: is %d, should be %d\n",
		d.Channel, where, slot.Metric, strings.Join(labels, " "), d.Have, d.Want)
	return err
}
