package meta

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"waybill/internal/dialect"
	"waybill/internal/dialect/meta/fields"
)

// maxFormBytes bounds the body of a call that carries parameters.
const maxFormBytes = 1 << 20

// parameters are the parameters of a call by name. A later one of the same name
// stands over an earlier one, as in PHP.
type parameters map[string]string

func (p parameters) value(name string) string { return p[name] }

func (p parameters) has(name string) bool {
	_, ok := p[name]
	return ok
}

// parseParameters reads the query and, unless the method is GET, the body: SDKs
// send a body with GET too, which means nothing. That of Android compresses the
// forms that it posts.
func parseParameters(r *http.Request) (parameters, error) {
	params := make(parameters)
	params.addQuery(r.URL.RawQuery)
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Body == nil {
		return params, nil
	}
	body, err := dialect.ReadInflated(r, maxFormBytes, maxFormBytes)
	if err != nil || len(body) == 0 {
		return params, err
	}
	switch kind, media, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "application/json":
		return params, params.addJSON(body)
	case "application/x-www-form-urlencoded", "":
		params.addQuery(string(body))
	case "multipart/form-data":
		return params, params.addParts(body, media["boundary"])
	}
	return params, nil
}

// addParts reads a form in parts, as SDKs send it that can attach files. Files
// are left out.
func (p parameters) addParts(body []byte, boundary string) error {
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	lists := make(lists)
	defer lists.end(p)
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errParam("The body is not valid multipart/form-data: %v", err)
		}
		name := strings.TrimSpace(part.FormName())
		if name == "" || part.FileName() != "" {
			continue
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return errParam("The body is not valid multipart/form-data: %v", err)
		}
		lists.add(p, name, string(text))
	}
}

// addQuery reads a query string as Graph does: only & separates, a broken escape
// stands for itself, and white space around a name is dropped, since the line
// break of a wrapped URL arrives as %0A before the next name.
func (p parameters) addQuery(query string) {
	lists := make(lists)
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name = strings.TrimSpace(unescape(name)); name != "" {
			lists.add(p, name, unescape(value))
		}
	}
	lists.end(p)
}

// lists are those that a form has in PHP's spelling, in which each element is a
// parameter: name[]=a&name[]=b, or name[0]=a&name[1]=b.
type lists map[string][]string

var listPattern = regexp.MustCompile(`^([a-z_]+)\[[0-9]*\]$`)

// add adds a parameter to p, or an element to a list.
func (l lists) add(p parameters, name, value string) {
	if strings.HasSuffix(name, "]") {
		if match := listPattern.FindStringSubmatch(name); match != nil {
			l[match[1]] = append(l[match[1]], value)
			return
		}
	}
	p[name] = value
}

// end adds the lists to p.
func (l lists) end(p parameters) {
	for name, values := range l {
		if name == "fields" { // which can have calls
			p[name] = strings.Join(values, ",")
			continue
		}
		p[name] = fields.FormatList(values)
	}
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// addJSON reads a JSON object. A value that is no string is kept as JSON text,
// and null is the empty string.
func (p parameters) addJSON(body []byte) error {
	if err := dialect.CheckDepth(body, maxDepth); err != nil {
		return errParam("%v", err)
	}
	d := jsontext.NewDecoder(bytes.NewReader(body),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() != jsontext.KindBeginObject {
		return errParam("The body is not a JSON object")
	}
	if err := p.addMembers(d); err != nil {
		return errParam("The body is not valid JSON, seen at byte %d", d.InputOffset())
	}
	return nil
}

// addMembers reads the one object that d has.
func (p parameters) addMembers(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() == jsontext.KindString {
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		name := strings.TrimSpace(token.String())
		if p[name], err = readText(d); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil { // the end of the object
		return err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}

// readText reads a value as text.
func readText(d *jsontext.Decoder) (string, error) {
	switch d.PeekKind() {
	case jsontext.KindString:
		token, err := d.ReadToken()
		return token.String(), err
	case jsontext.KindNull:
		return "", d.SkipValue()
	}
	value, err := d.ReadValue()
	return string(value), err
}
