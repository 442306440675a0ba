package rest

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
)

// maxDocument bounds a directory document, in bytes.
const maxDocument = 4 << 20

// applied is the answer to a document.
type applied struct {
	Changes []string `json:"changes" doc:"What changed, or would; one change each."`
	Applied bool     `json:"applied" doc:"False for a dry run."`
}

type directoryParams struct {
	Prune  bool `query:"prune" doc:"Delete what the document does not name." example:"true"`
	DryRun bool `query:"dry_run" doc:"Change nothing, only tell." example:"true"`
}

// postDirectory applies a directory document in YAML. Its variables are those that
// come with it: the environment of the server is nobody's business.
func (a *API) postDirectory(ctx context.Context, c *call, p *directoryParams) (applied, error) {
	opt := directory.ApplyOptions{Prune: p.Prune, DryRun: p.DryRun}
	answer := applied{Changes: []string{}, Applied: !opt.DryRun}
	text, err := readDocument(c.Request)
	if err != nil {
		return answer, err
	}
	document, err := directory.Parse(strings.NewReader(text.Document), text.variable)
	if err != nil {
		return answer, unprocessable(err)
	}
	diff, err := a.opt.Directory.Apply(ctx, document, opt)
	if err != nil {
		return answer, unprocessable(err)
	}
	for line := range strings.Lines(diff.String()) {
		answer.Changes = append(answer.Changes, strings.TrimSuffix(line, "\n"))
	}
	return answer, nil
}

// A variablesDocument is a document with the variables that it mentions.
type variablesDocument struct {
	Document  string            `json:"document" doc:"The directory, in YAML."`
	Variables map[string]string `json:"variables,omitempty" doc:"Values of the variables that the document mentions."`
}

func (d variablesDocument) variable(name string) (string, bool) {
	value, ok := d.Variables[name]
	return value, ok
}

// readDocument reads a body that is a variablesDocument if its content type is
// JSON, else the YAML text alone.
func readDocument(r *http.Request) (variablesDocument, error) {
	body, err := dialect.ReadInflated(r, 2*maxDocument, 2*maxDocument)
	if err != nil {
		return variablesDocument{}, err
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return variablesDocument{Document: string(body)}, nil
	}
	var d variablesDocument
	if err := json.Unmarshal(body, &d, json.RejectUnknownMembers(true)); err != nil {
		return d, waybill.Errorf(waybill.Invalid, "the body is not an object with document and variables: %v", err)
	}
	return d, nil
}

// unprocessable adds the list of mistakes to an error of a document.
func unprocessable(err error) error {
	mistakes, ok := errors.AsType[directory.Mistakes](err)
	if !ok {
		return err
	}
	r := &refusal{
		status: http.StatusUnprocessableEntity,
		error:  waybill.Errorf(waybill.Invalid, "the document has %d mistakes; nothing was changed", len(mistakes)),
	}
	for line := range strings.Lines(mistakes.Error()) {
		r.mistakes = append(r.mistakes, strings.TrimSuffix(line, "\n"))
	}
	return r
}
