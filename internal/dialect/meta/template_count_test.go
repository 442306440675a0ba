package meta

import (
	"testing"

	"waybill"
)

// TestTemplateNames finds IDs of templates, one of which is called like another's
// ID.
func TestTemplateNames(t *testing.T) {
	names := newTemplateNames([]waybill.Template{
		{Code: "11", Name: "sale", Language: "en"},
		{Code: "12", Name: "sale", Language: "id"},
		{Code: "13", Name: "code", Language: "en"},
		{Code: "14", Name: "11", Language: "en"},
		{Code: "15"},
	})
	for _, tt := range []struct{ name, template, language, want string }{
		{"a name and a language", "sale", "id", "12"},
		{"a name in two languages, and another", "sale", "de", "sale"},
		{"a name in two languages, and none", "sale", "", "sale"},
		{"a name in one language, and another", "code", "de", "13"},
		{"an ID stands over a name", "11", "en", "11"},
		{"an ID", "15", "", "15"},
		{"neither", "unknown", "en", "unknown"},
	} {
		if got := names.id(tt.template, tt.language); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
