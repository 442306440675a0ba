package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// remoteFlags say how to reach a running server.
type remoteFlags struct {
	URL   string `help:"Work through the running server at this address instead of on the data directory." placeholder:"URL"`
	Token string `help:"The token for --url. By default the operator's, which serve left in the data directory." placeholder:"TOKEN" secret:""`
}

// check returns what is wrong with the address.
func (f *remoteFlags) check() error {
	if f.URL == "" {
		return nil
	}
	u, err := url.Parse(f.URL)
	switch {
	case !strings.HasPrefix(f.URL, "http://") && !strings.HasPrefix(f.URL, "https://"):
		return fmt.Errorf("--url %s does not begin with http:// or https://", f.URL)
	case err != nil:
		return fmt.Errorf("--url: %w", err)
	case u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("--url %s is not just the address of a server, such as https://waybill.example", u.Redacted())
	}
	return nil
}

// token returns the token for --url. data is the data directory, where the
// operator's may be.
func (f *remoteFlags) token(data string) (string, error) {
	if f.Token != "" {
		return f.Token, nil
	}
	text, err := os.ReadFile(filepath.Join(data, adminTokenFile))
	if err != nil {
		return "", fmt.Errorf("the operator's token: %w; give --token or WAYBILL_TOKEN, or as --data the directory of the server", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// remote returns a client of the server at --url.
func (f *remoteFlags) remote(data string) (*client, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	token, err := f.token(data)
	if err != nil {
		return nil, err
	}
	return &client{base: strings.TrimRight(f.URL, "/"), token: token, http: &http.Client{}}, nil
}

// A client calls Waybill's own API: that of a running server, or the same in this
// process, on a data directory.
type client struct {
	base  string // without a slash at its end
	token string
	http  *http.Client
	close func(context.Context) error // of what runs in this process; may be nil
}

// Close ends what the client runs in this process.
func (c *client) Close() error {
	if c.close == nil {
		return nil
	}
	return c.close(context.Background())
}

// maxAnswer bounds an answer that is held in memory, in bytes.
const maxAnswer = 64 << 20

// callTimeout bounds a call that should answer soon.
const callTimeout = 2 * time.Minute

// A refusal is an answer of the server that is an error.
type refusal struct {
	url    string
	code   int
	status string
	body   []byte

	Detail   string   `json:"detail"`
	Mistakes []string `json:"mistakes"` // of a document, if that was refused
}

func (r *refusal) Error() string {
	detail := r.Detail
	if detail == "" {
		detail = fmt.Sprintf("%.1000q", r.body)
	}
	if r.url == inProcessURL {
		return detail
	}
	hint := ""
	switch r.code {
	case http.StatusUnauthorized:
		hint = "; give another one by --token or WAYBILL_TOKEN"
	case http.StatusNotFound:
		if r.Detail == "" {
			hint = "; is that the address of a Waybill server?"
		}
	}
	return fmt.Sprintf("%s answered %s: %s%s", r.url, r.status, detail, hint)
}

// post sends body as JSON to a call and reads its answer; answer may be nil.
func (c *client) post(ctx context.Context, path string, body, answer any, timeout time.Duration) error {
	return c.do(ctx, http.MethodPost, path, body, answer, timeout)
}

// get reads the answer of a call.
func (c *client) get(ctx context.Context, path string, query url.Values, answer any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, answer, callTimeout)
}

func (c *client) do(ctx context.Context, method, path string, body, answer any, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	response, err := c.open(ctx, method, path, "application/json", body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := readAll(response.Body)
	if err != nil || answer == nil || response.StatusCode == http.StatusNoContent {
		return err
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s answered what is no result: %w", c.base, err)
	}
	return nil
}

// open calls and returns a good answer, whose body is to be closed.
func (c *client) open(ctx context.Context, method, path, accept string, body any) (*http.Response, error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, sent)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	request.Header.Set("Accept", accept)
	response, err := c.http.Do(request)
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	text, err := readAll(response.Body)
	if errors.Is(ctx.Err(), context.Canceled) { // an API in this process refuses what is given up
		return nil, errInterrupted
	}
	if err != nil {
		return nil, err
	}
	r := &refusal{url: c.base, code: response.StatusCode, status: response.Status, body: text}
	if json.Unmarshal(text, r) != nil {
		r.Detail = ""
	}
	return nil, r
}

func readAll(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err == nil && len(text) > maxAnswer {
		err = fmt.Errorf("the answer has more than %d bytes: ask for less", maxAnswer)
	}
	return text, err
}

// unreachable says what to look at where a server does not answer.
func unreachable(ctx context.Context, err error) error {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return errInterrupted
	case errors.As(err, &certificate):
		return fmt.Errorf("%w; a certificate of your own has to be known to this machine, or its authority be in the file that SSL_CERT_FILE names", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w; does the server run, and is --url its address?", err)
	case errors.As(err, &dns):
		return fmt.Errorf("%w; is --url right?", err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w; the server did not answer in time", err)
	}
	return err
}

// errInterrupted is the end of what a signal stopped.
var errInterrupted = errors.New("interrupted")

// mistakesOf returns what a server found wrong with a document.
func mistakesOf(err error) []string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.Mistakes
	}
	return nil
}
