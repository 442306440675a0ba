package meta

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"waybill/internal/dialect"
)

// maxItems bounds a batch.
const maxItems = 50

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

// A batchItem is the answer to one item of a batch. It has no body where the
// caller has that already.
type batchItem struct {
	Code    int           `json:"code"`
	Headers []batchHeader `json:"headers,omitzero"`
	Body    *string       `json:"body"`
}

// parts are an answer that is encoded already, part by part.
type parts [][]byte

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
	out := make(parts, 0, 2*len(list)+1)
	begin, next, end := "[", ",", "]"
	if s.flag("pretty") && len(list) > 0 {
		begin, next, end = "[\n  ", ",\n  ", "\n]"
	}
	size := 0
	for i, value := range list {
		if i > 0 {
			begin = next
		}
		item := a.batchItem(ctx, s, value, size)
		out, size = append(out, []byte(begin), item), size+len(item)
	}
	if len(list) == 0 {
		end = "[]"
	}
	// The items have left what they are in the log; the line is about the batch.
	s.logCaller(ctx)
	dialect.SetLogAttr(ctx, slog.String("operation", "batch"), slog.Int("items", len(list)))
	return append(out, []byte(end)), nil
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
	if _, err := d.ReadToken(); err != nil {
		return nil, errBatch("batch parameter must be a JSON array: it is broken at byte %d", d.InputOffset())
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errBatch("batch parameter must be a JSON array: something follows it at byte %d", d.InputOffset())
	}
	return list, nil
}

// noItem stands for an item without an answer.
var noItem = []byte("null")

// batchItem answers one item and returns that as it stands in the answer, after
// size bytes of others. There is none where the item wants none to a success, or
// the time of the batch ended meanwhile.
func (a *API) batchItem(ctx context.Context, s *session, value jsontext.Value, size int) []byte {
	if ctx.Err() != nil {
		return noItem
	}
	c, omit, err := s.item(value)
	got := a.answer(ctx, c, err)
	defer got.buffer.drop()
	if got.status == http.StatusOK && omit || got.status >= http.StatusBadRequest && ctx.Err() != nil {
		return noItem
	}
	item, err := a.encodeItem(s, got)
	if err == nil && size+len(item.bytes) > maxAnswerBytes {
		item.drop()
		err = s.work.bound(false)
	}
	if err == nil {
		return item.bytes
	}
	var text jsontext.Value
	got.status, text = a.failure(ctx, got.header, err)
	small, _ := json.Marshal(s.itemOf(got, string(text)), s.itemLayout()...) // has no value that JSON lacks
	return small
}

// encodeItem encodes the answer to an item, the body of which becomes text.
func (a *API) encodeItem(s *session, got answer) (*buffer, error) {
	if got.body == nil {
		return a.encode(s.work, s.itemOf(got, ""), s.itemLayout()...)
	}
	n := int64(len(got.body[0]))
	if err := a.hold(s.work, n); err != nil {
		return nil, err
	}
	defer a.release(s.work, n)
	return a.encode(s.work, s.itemOf(got, string(got.body[0])), s.itemLayout()...)
}

// itemLayout returns how the answer to an item is laid out within the others.
func (s *session) itemLayout() []json.Options {
	layout := s.layout()
	if layout != nil {
		layout = append(layout, jsontext.WithIndentPrefix("  "))
	}
	return layout
}

// itemOf returns the answer to an item with the given body.
func (s *session) itemOf(got answer, body string) batchItem {
	item := batchItem{Code: got.status, Body: &body}
	if got.status == http.StatusNotModified {
		item.Body = nil
	}
	if s.params.has("include_headers") && !s.flag("include_headers") {
		return item
	}
	for _, name := range slices.Sorted(maps.Keys(got.header)) {
		for _, v := range got.header[name] {
			item.Headers = append(item.Headers, batchHeader{cmp.Or(headerNames[name], name), v})
		}
	}
	return item
}

// item returns the call of an item. It has the token of the batch unless it brings
// its own, and of headers If-None-Match. Where the item can't be read it is a call
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
	if !methodPattern.MatchString(c.method) {
		return c, false, errBatch("method of an element of batch must be one such as GET or POST - got %.80q", parts.value("method"))
	}
	c.known = tagsOf(parts.value("headers"))
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

var methodPattern = regexp.MustCompile(`^[A-Z]+$`)

// tagsOf returns the values of If-None-Match among the headers of an item, each
// of which is text such as "If-None-Match: *", or an object with name and value.
func tagsOf(headers string) []string {
	var list []jsontext.Value
	if json.Unmarshal([]byte(headers), &list) != nil {
		return nil
	}
	var tags []string
	for _, value := range list {
		var line string
		var h batchHeader
		switch {
		case json.Unmarshal(value, &line) == nil:
			h.Name, h.Value, _ = strings.Cut(line, ":")
		case json.Unmarshal(value, &h) != nil:
			continue
		}
		if strings.EqualFold(strings.TrimSpace(h.Name), "If-None-Match") {
			tags = append(tags, h.Value)
		}
	}
	return tags
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
