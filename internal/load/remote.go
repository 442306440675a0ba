package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/klauspost/compress/zstd"

	"waybill/internal/event"
)

// Remote is a Sink that posts events to a running server. It tries again, later
// and later, what the server or the way to it has no room for.
type Remote struct {
	url, token string
	client     *retryablehttp.Client
	encoders   sync.Pool
}

// RemoteOptions are the settings of a Remote; zero values take defaults.
type RemoteOptions struct {
	URL    string       // of the server
	Token  string       // with the scope events:write
	Client *http.Client // nil is one that keeps connections

	Tries   int           // of one body; the 12 of the default take four minutes
	Wait    time.Duration // before the second try; each further one waits twice as long, or longer if the server asks for it
	MaxWait time.Duration // the longest wait, whatever the server asks for

	Retry func(reason string) // told before a body is tried again; may be nil
}

// Defaults of RemoteOptions.
const (
	defaultTries   = 12
	defaultWait    = 250 * time.Millisecond
	defaultMaxWait = 60 * time.Second

	// postTimeout bounds one try. A server answers once the events are durable.
	postTimeout = 2 * time.Minute

	// maxReport bounds the answer to a body, in bytes: a thousand rejections.
	maxReport = 4 << 20
)

// NewRemote returns a Remote.
func NewRemote(opt RemoteOptions) *Remote {
	c := retryablehttp.NewClient()
	c.Logger = nil
	c.HTTPClient = opt.Client
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{Timeout: postTimeout, Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 64, ForceAttemptHTTP2: true,
		}}
	}
	c.RetryMax = orElse(opt.Tries, defaultTries) - 1
	c.RetryWaitMin, c.RetryWaitMax = orElse(opt.Wait, defaultWait), orElse(opt.MaxWait, defaultMaxWait)
	c.ErrorHandler = retryablehttp.PassthroughErrorHandler
	c.Backoff = func(least, most time.Duration, attempt int, r *http.Response) time.Duration {
		asked := retryablehttp.DefaultBackoff(least, most, attempt, r) // by Retry-After, if it is there
		return min(most, max(asked, retryablehttp.DefaultBackoff(least, most, attempt, nil)))
	}
	c.CheckRetry = func(ctx context.Context, r *http.Response, err error) (bool, error) {
		again, fatal := retryablehttp.DefaultRetryPolicy(ctx, r, err)
		if again && opt.Retry != nil {
			opt.Retry(reason(r, err))
		}
		return again, fatal
	}
	return &Remote{
		url: opt.URL + "/waybill/v1/events", token: opt.Token, client: c,
		encoders: sync.Pool{New: func() any {
			e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
			if err != nil {
				panic(err) // the options are constant
			}
			return e
		}},
	}
}

func orElse[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

func reason(r *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	return "the server answered " + r.Status
}

// Take implements Sink.
func (s *Remote) Take(ctx context.Context, p *Piece) (Result, error) {
	var all Result
	text, line := p.Text, 0 // lines of p.Text before text
	for {
		report, err := s.post(ctx, text)
		if err != nil {
			return Result{}, err
		}
		for _, x := range report.Rejected {
			all.Rejected = append(all.Rejected, Rejection{Line: line + x.Line, Reason: x.Error})
		}
		if line == 0 { // later answers are of events that this one has counted
			if report.Changed != nil {
				all.Changed = *report.Changed
			}
			all.TooLate = report.TooLate
		}
		if report.Omitted == 0 || len(report.Rejected) == 0 {
			all.Received += report.Received
			all.Rejected = p.rejections(all.Rejected)
			return all, nil
		}
		// The answer lists so many rejections and no more: what follows the
		// last of them is asked about again, which counts nothing twice.
		last := report.Rejected[len(report.Rejected)-1].Line
		before := 0
		for range last {
			before += bytes.IndexByte(text[before:], '\n') + 1
		}
		all.Received += count(text[:before])
		text, line = text[before:], line+last
		rest := Piece{Text: text, first: line + 1}
		rest.trim()
		for _, x := range rest.Rejected {
			all.Rejected = append(all.Rejected, Rejection{Line: x.Line, Reason: x.Reason})
			all.Received++
		}
		text, line = rest.Text, rest.first-1
	}
}

// count returns how many lines are not blank.
func count(text []byte) int {
	n := 0
	for line := range bytes.Lines(text) {
		if len(bytes.TrimSpace(line)) > 0 {
			n++
		}
	}
	return n
}

// post sends a body and returns what the server says of it.
func (s *Remote) post(ctx context.Context, text []byte) (*event.Report, error) {
	e := s.encoders.Get().(*zstd.Encoder)
	body := e.EncodeAll(text, make([]byte, 0, len(text)/8))
	s.encoders.Put(e)
	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, s.url, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	request.Header.Set("Content-Type", "application/x-ndjson")
	request.Header.Set("Content-Encoding", "zstd")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxReport))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, refused(response, answer)
	}
	var report event.Report
	if err := json.Unmarshal(answer, &report); err != nil {
		return nil, fmt.Errorf("%s answered what is no report: %w", s.url, err)
	}
	return &report, nil
}

// refused returns the error of an answer.
func refused(r *http.Response, answer []byte) error {
	var problem struct {
		Detail string `json:"detail"`
	}
	if json.Unmarshal(answer, &problem) != nil || problem.Detail == "" {
		problem.Detail = fmt.Sprintf("with %.200q", answer)
	}
	hint := ""
	switch r.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		hint = "; give a token with the scope events:write, by --token or WAYBILL_TOKEN"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		hint = "; it had no room, however often it was tried"
	case http.StatusNotFound:
		hint = "; is it the address of a Waybill server?"
	}
	return fmt.Errorf("the server answered %s: %s%s", r.Status, problem.Detail, hint)
}
