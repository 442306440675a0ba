package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"waybill/internal/store/pebble"
)

type dumpCmd struct {
	storeFlags `embed:""`

	Space string `arg:"" optional:"" help:"What to show; without it the spaces are listed."`
}

// Run prints a space of the store, one entry after the other. Whoever sees it
// sees recipients and IDs of messages.
func (cmd *dumpCmd) Run(ctx context.Context, c console) error {
	if cmd.Space == "" {
		_, err := fmt.Fprintln(c.out, strings.Join(pebble.Spaces(), "\n"))
		return err
	}
	store, err := cmd.openStore()
	if err != nil {
		return err
	}
	return errors.Join(store.Dump(ctx, c.out, cmd.Space), store.Close())
}
