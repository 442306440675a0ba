package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"waybill/internal/directory"
	"waybill/internal/store/pebble"
)

type applyCmd struct {
	clientFlags `embed:""`

	File   string `short:"f" help:"The directory of tenants, in YAML; - is standard input." required:"" placeholder:"FILE" predictor:"file"`
	Prune  bool   `help:"Delete what the file does not name."`
	DryRun bool   `help:"Only print what would change."`
}

// Run prints one line for each change.
func (cmd *applyCmd) Run(ctx context.Context, c console) error {
	text, err := cmd.read(c.in)
	if err != nil {
		return err
	}
	if err := cmd.check(); err != nil {
		return err
	}
	variables := make(map[string]string)
	doc, err := directory.Parse(bytes.NewReader(text), func(name string) (string, bool) {
		value, ok := os.LookupEnv(name)
		variables[name] = value
		return value, ok
	})
	if err != nil {
		return fmt.Errorf("%s:\n%w", cmd.File, err)
	}
	for _, w := range doc.Warnings() {
		if _, err := fmt.Fprintf(c.err, "waybill: warning: %s: %s\n", cmd.File, w); err != nil {
			return err
		}
	}
	changes, err := cmd.apply(ctx, text, variables, c)
	if err != nil {
		return err
	}
	if changes == "" {
		changes = "nothing to change"
	}
	_, err = fmt.Fprintln(c.out, strings.TrimRight(changes, "\n"))
	return err
}

func (cmd *applyCmd) read(in io.Reader) ([]byte, error) {
	if cmd.File == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(cmd.File)
}

// apply sends the text and the variables that it mentions: a server must not read
// its own environment on a caller's word.
func (cmd *applyCmd) apply(ctx context.Context, text []byte, variables map[string]string, c console) (changes string, err error) {
	client, err := cmd.open(ctx, c)
	if err != nil {
		return "", err
	}
	path := fmt.Sprintf("/waybill/v1/directory?prune=%t&dry_run=%t", cmd.Prune, cmd.DryRun)
	body := map[string]any{"document": string(text), "variables": variables}
	var answer struct {
		Changes []string `json:"changes"`
	}
	err = client.post(ctx, path, body, &answer, time.Minute)
	if mistakes := mistakesOf(err); len(mistakes) > 0 {
		err = fmt.Errorf("%s:\n%s", cmd.File, strings.Join(mistakes, "\n"))
	}
	return strings.Join(answer.Changes, "\n"), errors.Join(err, client.Close())
}

// open is client, but makes the data where there is none.
func (cmd *applyCmd) open(ctx context.Context, c console) (*client, error) {
	if cmd.URL == "" {
		if _, err := os.Stat(cmd.Data); errors.Is(err, fs.ErrNotExist) {
			if _, err := fmt.Fprintf(c.err, "waybill: %s does not exist: a new store is made there\n", cmd.Data); err != nil {
				return nil, err
			}
		}
		return newInProcess(ctx, cmd.dataFlags, pebble.Options{})
	}
	return cmd.remote(cmd.Data)
}
