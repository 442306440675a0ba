package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"waybill"
	"waybill/internal/directory"
)

type applyCmd struct {
	dataFlags `embed:""`

	File   string `short:"f" help:"The directory of tenants, in YAML; - is standard input." required:"" placeholder:"FILE"`
	URL    string `help:"Apply through the running server at this address instead of the data directory." placeholder:"URL"`
	Token  string `help:"The operator's token for --url. By default the one that serve left in the data directory." placeholder:"TOKEN"`
	Prune  bool   `help:"Delete what the file does not name."`
	DryRun bool   `help:"Only print what would change."`
}

// Run prints one line for each change.
func (cmd *applyCmd) Run(ctx context.Context, c console) error {
	text, err := cmd.read(c.in)
	if err != nil {
		return err
	}
	if cmd.URL != "" && !strings.HasPrefix(cmd.URL, "http://") && !strings.HasPrefix(cmd.URL, "https://") {
		return fmt.Errorf("--url %s does not begin with http:// or https://", cmd.URL)
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
	request, err := cmd.request(ctx, text, variables)
	if err != nil {
		return "", err
	}
	client := &http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", cmd.refusal(response.Status, body)
	}
	var answer struct {
		Changes []string `json:"changes"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("%s answered what is no result: %w", cmd.URL, err)
	}
	return strings.Join(answer.Changes, "\n"), nil
}

// refusal returns what the server found wrong, as a run without --url tells it.
func (cmd *applyCmd) refusal(status string, body []byte) error {
	var problem struct {
		Detail   string   `json:"detail"`
		Mistakes []string `json:"mistakes"`
	}
	switch err := json.Unmarshal(body, &problem); {
	case err != nil || problem.Detail == "":
		return fmt.Errorf("%s answered %s: %.1000q", cmd.URL, status, body)
	case len(problem.Mistakes) > 0:
		return fmt.Errorf("%s:\n%s", cmd.File, strings.Join(problem.Mistakes, "\n"))
	}
	return fmt.Errorf("%s answered %s: %s", cmd.URL, status, problem.Detail)
}

func (cmd *applyCmd) request(ctx context.Context, text []byte, variables map[string]string) (*http.Request, error) {
	token, err := cmd.operatorToken()
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{"document": string(text), "variables": variables})
	if err != nil {
		return nil, err
	}
	url := fmt.Sprintf("%s/waybill/v1/directory?prune=%t&dry_run=%t", strings.TrimRight(cmd.URL, "/"), cmd.Prune, cmd.DryRun)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

func (cmd *applyCmd) operatorToken() (string, error) {
	if cmd.Token != "" {
		return cmd.Token, nil
	}
	text, err := os.ReadFile(filepath.Join(cmd.Data, adminTokenFile))
	if err != nil {
		return "", fmt.Errorf("the operator's token: %w; give --token, or as --data the directory of the server", err)
	}
	return strings.TrimSpace(string(text)), nil
}
