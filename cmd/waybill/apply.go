package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"waybill"
	"waybill/internal/directory"
)

type applyCmd struct {
	dataFlags   `embed:""`
	remoteFlags `embed:""`

	File   string `short:"f" help:"The directory of tenants, in YAML; - is standard input." required:"" placeholder:"FILE"`
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
	var changes string
	if cmd.URL != "" {
		changes, err = cmd.applyRemote(ctx, text, variables)
	} else {
		changes, err = cmd.applyLocal(ctx, doc, c)
	}
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

func (cmd *applyCmd) applyLocal(ctx context.Context, doc *directory.Document, c console) (changes string, err error) {
	if _, err := os.Stat(cmd.Data); errors.Is(err, fs.ErrNotExist) {
		if _, err := fmt.Fprintf(c.err, "waybill: %s does not exist: a new store is made there\n", cmd.Data); err != nil {
			return "", err
		}
	}
	store, dir, _, err := openData(ctx, cmd.dataFlags, slog.New(slog.DiscardHandler))
	if waybill.CodeOf(err) == waybill.Conflict {
		return "", fmt.Errorf("%w; to apply through the server that uses it, add --url", err)
	}
	if err != nil {
		return "", err
	}
	diff, err := dir.Apply(ctx, doc, directory.ApplyOptions{Prune: cmd.Prune, DryRun: cmd.DryRun})
	if err == nil && !cmd.DryRun {
		err = store.Settled(ctx)
	}
	return diff.String(), errors.Join(err, store.Close())
}

// applyRemote sends the text and the variables that it mentions: the server must
// not read its own environment on a caller's word.
func (cmd *applyCmd) applyRemote(ctx context.Context, text []byte, variables map[string]string) (changes string, err error) {
	path := fmt.Sprintf("/waybill/v1/directory?prune=%t&dry_run=%t", cmd.Prune, cmd.DryRun)
	body := map[string]any{"document": string(text), "variables": variables}
	var answer struct {
		Changes []string `json:"changes"`
	}
	err = cmd.post(ctx, cmd.Data, path, body, &answer, time.Minute)
	if mistakes := mistakesOf(err); len(mistakes) > 0 {
		return "", fmt.Errorf("%s:\n%s", cmd.File, strings.Join(mistakes, "\n")) // as without --url
	}
	return strings.Join(answer.Changes, "\n"), err
}
