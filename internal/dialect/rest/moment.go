package rest

import (
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"waybill/internal/dialect"
)

// A moment is a parameter that is a time, in milliseconds since 1970.
type moment int64

// ParseParam reads RFC 3339 or milliseconds.
func (m *moment) ParseParam(name, text string) error {
	ms, err := dialect.Moment(url.Values{name: {text}}, name, 0)
	*m = moment(ms)
	return err
}

// Schema describes a moment.
func (*moment) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeString, Format: "date-time"},
		{Type: huma.TypeInteger, Format: "int64", Description: "Milliseconds since 1970."},
	}}
}
