package meta

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/dialect"
)

// Bounds of a batch.
const (
	maxItems = 50

	// maxBatchBytes bounds the answers to the items together, and
	// maxAnswerBytes those of all batches in progress: nothing of a batch can
	// be sent before all of it is there.
	maxBatchBytes  = 32 << 20
	maxAnswerBytes = 256 << 20

	// batchTime is how long items are begun. Graph answers null for those that
	// it did not come to, and clients send them again.
	batchTime = 20 * time.Second
)

// Where a batch is named in the beginning of a body.
var (
	batchInForm  = regexp.MustCompile(`(^|&)\s*batch=`)
	batchInParts = regexp.MustCompile(`(?i)content-disposition:[^\r\n]*;\s*name="?batch"?\s*[;\r\n]`)
	batchInJSON  = regexp.MustCompile(`"batch"\s*:`)
)

// matchRoot reports whether a request to the root asks for several objects or a
// batch. Other vendors have their calls at the root, too, and post forms to it; so
// the beginning of a body is looked at where the head does not tell.
func matchRoot(r *http.Request) bool {
	query := make(parameters)
	query.addQuery(r.URL.RawQuery)
	if query.has("batch") || query.has("ids") {
		return true
	}
	if r.Method != http.MethodPost || r.Header.Get("Authorization") != "" && bearer(r) == "" {
		return false
	}
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "application/x-www-form-urlencoded", "":
		return batchInForm.Match(dialect.Peek(r))
	case "multipart/form-data":
		return batchInParts.Match(dialect.Peek(r))
	case "application/json":
		return batchInJSON.Match(dialect.Peek(r))
	}
	return false
}

// A batchItem is the answer to one item of a batch.
type batchItem struct {
	Code    int           `json:"code"`
	Headers []batchHeader `json:"headers,omitzero"`
	Body    string        `json:"body"`
}

// headerNames are the names that net/http spells unlike Graph, which matters where
// they are text.
var headerNames = map[string]string{"Etag": "ETag", "Www-Authenticate": "WWW-Authenticate"}

type batchHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// batch answers the items of a batch in their order, each as if it were a request
// of its own but for the bounds, which are those of one request.
//
// https://developers.facebook.com/docs/graph-api/batch-requests
func (a *API) batch(ctx context.Context, s *session) (any, error) {
	dialect.SetLogAttr(ctx, slog.String("operation", "batch"))
	if s.batched {
		return nil, errBatch("A batch cannot hold a batch")
	}
	if verb := s.verb(); verb != "post" {
		return nil, errRoot(verb)
	}
	list, err := batchList(s.params.value("batch"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, batchTime)
	defer cancel()
	headers := !s.params.has("include_headers") || s.flag("include_headers")
	out := make([]*batchItem, len(list))
	for i, value := range list {
		if ctx.Err() != nil {
			break
		}
		out[i] = a.item(ctx, s, value)
		if out[i] != nil && !headers {
			out[i].Headers = nil
		}
	}
	// The items have left what they are in the log; the line is about the batch.
	s.logCaller(ctx)
	dialect.SetLogAttr(ctx, slog.String("operation", "batch"), slog.Int("items", len(list)))
	return out, nil
}

// batchList reads the items of a batch.
func batchList(text string) ([]jsontext.Value, error) {
	if err := dialect.CheckDepth([]byte(text), maxDepth); err != nil {
		return nil, errBatch("batch parameter must be a JSON array: %v", err)
	}
	d := jsontext.NewDecoder(strings.NewReader(text),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() != '[' {
		return nil, errBatch("batch parameter must be a JSON array")
	}
	_, _ = d.ReadToken()
	var list []jsontext.Value
	for d.PeekKind() != ']' {
		value, err := d.ReadValue()
		if err != nil {
			return nil, errBatch("batch parameter must be a JSON array: it is broken at byte %d", d.InputOffset())
		}
		if len(list) == maxItems {
			return nil, errBatch("Too many requests in batch message. Maximum batch size is %d", maxItems)
		}
		list = append(list, value.Clone())
	}
	return list, nil
}

// item answers one item, nil where the item wants no answer to a success or the
// time of the batch ended meanwhile.
func (a *API) item(ctx context.Context, s *session, value jsontext.Value) *batchItem {
	c, omit, err := s.item(value)
	got := a.answer(ctx, c, err)
	if got.status == http.StatusOK && omit || got.status != http.StatusOK && ctx.Err() != nil {
		return nil
	}
	if err := a.hold(s.work, int64(len(got.body))); err != nil {
		got.status, got.body = a.failure(ctx, got.header, err)
	}
	out := &batchItem{Code: got.status, Body: string(got.body)}
	for _, name := range slices.Sorted(maps.Keys(got.header)) {
		for _, v := range got.header[name] {
			out.Headers = append(out.Headers, batchHeader{cmp.Or(headerNames[name], name), v})
		}
	}
	return out
}

// hold takes the bytes of an answer from what the batch and all batches may hold.
// They are given back once the answer to the batch is sent.
func (a *API) hold(w *work, n int64) error {
	if w.held+n > maxBatchBytes {
		return w.bound(false)
	}
	if a.answers.Add(n) > maxAnswerBytes {
		a.answers.Add(-n)
		return waybill.Errorf(waybill.Unavailable, "the answers to other batches take all the memory that there is for them")
	}
	w.held += n
	return nil
}

// item returns the call of an item. It has the token of the batch unless it brings
// its own, and no header of its own. Where the item can't be read it is a call
// without parameters.
func (s *session) item(value jsontext.Value) (c *call, omit bool, err error) {
	c = &call{
		version: s.version, method: http.MethodGet, params: make(parameters), bearer: s.secret(),
		origin: s.origin, batched: true, work: s.work,
	}
	if c.link = s.params.value("access_token"); c.link == "" {
		c.link = s.link
	}
	parts := make(parameters)
	if value.Kind() != '{' {
		return c, false, errBatch("An element of batch is not an object - got %.80s", value)
	}
	if err := parts.addJSON(value); err != nil {
		return c, false, err
	}
	if method := strings.TrimSpace(parts.value("method")); method != "" {
		c.method = strings.ToUpper(method)
	}
	relative := strings.TrimSpace(parts.value("relative_url"))
	if relative == "" {
		return c, false, errBatch("An element of batch has no relative_url")
	}
	if strings.Contains(relative+parts.value("body"), "{result=") {
		return c, false, errBatch("References to results of other elements of batch are not served")
	}
	relative, _, _ = strings.Cut(relative, "#")
	path, query, _ := strings.Cut(relative, "?")
	if unescaped, err := url.PathUnescape(path); err == nil {
		path = unescaped
	}
	c.setPath(path)
	c.params.addQuery(query)
	if err := c.addBody(parts.value("body")); err != nil {
		return c, false, err
	}
	for _, name := range []string{"access_token", "appsecret_proof"} {
		if parts.has(name) && !c.params.has(name) {
			c.params[name] = parts.value(name)
		}
	}
	return c, parts.value("omit_response_on_success") == "true", nil
}

// addBody reads the body of an item, a form or JSON. With GET it means nothing.
func (c *call) addBody(body string) error {
	if c.method == http.MethodGet || c.method == http.MethodHead {
		return nil
	}
	if strings.HasPrefix(strings.TrimSpace(body), "{") {
		return c.params.addJSON([]byte(body))
	}
	c.params.addQuery(body)
	return nil
}
