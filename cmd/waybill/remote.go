package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// remoteFlags say how to reach a running server as its operator.
type remoteFlags struct {
	URL   string `help:"Work through the running server at this address instead of on the data directory." placeholder:"URL"`
	Token string `help:"The operator's token for --url. By default the one that serve left in the data directory." placeholder:"TOKEN"`
}

// check returns what is wrong with the address.
func (f *remoteFlags) check() error {
	if f.URL != "" && !strings.HasPrefix(f.URL, "http://") && !strings.HasPrefix(f.URL, "https://") {
		return fmt.Errorf("--url %s does not begin with http:// or https://", f.URL)
	}
	return nil
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 16 << 20

// A refusal is an answer of the server that is an error.
type refusal struct {
	url, status string
	Detail      string   `json:"detail"`
	Mistakes    []string `json:"mistakes"` // of a document, if that was refused
	body        []byte
}

func (r *refusal) Error() string {
	if r.Detail == "" {
		return fmt.Sprintf("%s answered %s: %.1000q", r.url, r.status, r.body)
	}
	return fmt.Sprintf("%s answered %s: %s", r.url, r.status, r.Detail)
}

// post sends body to a call of the server's own API and reads its answer. data is
// the data directory, where the operator's token may be.
func (f *remoteFlags) post(ctx context.Context, data, path string, body, answer any, timeout time.Duration) error {
	token, err := f.token(data)
	if err != nil {
		return err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	url := strings.TrimRight(f.URL, "/") + path
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: timeout}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		r := &refusal{url: f.URL, status: response.Status, body: text}
		if json.Unmarshal(text, r) != nil {
			r.Detail = ""
		}
		return r
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s answered what is no result: %w", f.URL, err)
	}
	return nil
}

// token returns the operator's token.
func (f *remoteFlags) token(data string) (string, error) {
	if f.Token != "" {
		return f.Token, nil
	}
	text, err := os.ReadFile(filepath.Join(data, adminTokenFile))
	if err != nil {
		return "", fmt.Errorf("the operator's token: %w; give --token, or as --data the directory of the server", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// mistakesOf returns what a server found wrong with a document.
func mistakesOf(err error) []string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.Mistakes
	}
	return nil
}
