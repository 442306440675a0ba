package main

import (
	"encoding/json"
	"time"

	"waybill/internal/table"
)

// An exported event is one in Waybill's own format.
type exported struct {
	Channel   string          `json:"channel"`
	Message   string          `json:"message"`
	Status    string          `json:"status"`
	At        string          `json:"at"`
	Sender    string          `json:"sender,omitempty"`
	Recipient string          `json:"recipient,omitempty"`
	Country   string          `json:"country,omitempty"`
	Kind      string          `json:"kind,omitempty"`
	Template  string          `json:"template,omitempty"`
	Language  string          `json:"language,omitempty"`
	Category  string          `json:"category,omitempty"`
	Campaign  string          `json:"campaign,omitempty"`
	Segment   string          `json:"segment,omitempty"`
	Error     *exportedError  `json:"error,omitempty"`
	Button    *exportedButton `json:"button,omitempty"`
	Click     string          `json:"click,omitempty"`
}

type exportedError struct {
	Code  string `json:"code,omitempty"`
	Title string `json:"title,omitempty"`
}

type exportedButton struct {
	Type string `json:"type,omitempty"`
	Text string `json:"text,omitempty"`
}

// An eventWriter writes events as lines of Waybill's own format, or as rows of a
// table whose columns import knows.
type eventWriter struct {
	lines *json.Encoder
	table *table.Writer
}

func (w *eventWriter) write(e *exported) error {
	if w.lines != nil {
		return w.lines.Encode(e)
	}
	at, err := time.Parse(time.RFC3339, e.At)
	if err != nil {
		return err
	}
	failure, button := exportedError{}, exportedButton{}
	if e.Error != nil {
		failure = *e.Error
	}
	if e.Button != nil {
		button = *e.Button
	}
	row := []any{e.Channel, e.Message, e.Status, at.UTC()}
	for _, text := range []string{
		e.Sender, e.Recipient, e.Country, e.Kind, e.Template, e.Language, e.Category, e.Campaign, e.Segment,
		failure.Code, failure.Title, button.Type, button.Text, e.Click,
	} {
		if text == "" {
			row = append(row, nil)
			continue
		}
		row = append(row, text)
	}
	return w.table.Row(row...)
}

func (w *eventWriter) close() error {
	if w.table == nil {
		return nil
	}
	return w.table.Close()
}

func eventColumns() []table.Column {
	columns := []table.Column{
		{Name: "channel", Type: table.Text},
		{Name: "message", Type: table.Text},
		{Name: "status", Type: table.Text},
		{Name: "at", Type: table.Time},
	}
	for _, name := range []string{
		"sender", "recipient", "country", "kind", "template", "language", "category", "campaign", "segment",
		"error.code", "error.title", "button.type", "button.text", "click",
	} {
		columns = append(columns, table.Column{Name: name, Type: table.Text})
	}
	return columns
}
