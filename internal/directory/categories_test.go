package directory_test

import (
	"maps"
	"testing"

	"waybill"
	"waybill/internal/directory"
)

func TestCategories(t *testing.T) {
	got := directory.Categories(7, []waybill.Template{
		{Code: "agreed", Language: "de"},
		{Code: "agreed", Language: "en", Category: "Marketing"},
		{Code: "agreed", Language: "id", Category: "MARKETING"},
		{Code: "differs", Language: "en", Category: "UTILITY"},
		{Code: "differs", Language: "id", Category: "MARKETING"},
		{Code: "differs", Language: "vi", Category: "UTILITY"},
		{Code: "none", Language: "en"},
	})
	want := map[waybill.TemplateRef]string{
		{Channel: 7, Template: "agreed", Language: "en"}:  "MARKETING",
		{Channel: 7, Template: "agreed", Language: "id"}:  "MARKETING",
		{Channel: 7, Template: "agreed"}:                  "MARKETING",
		{Channel: 7, Template: "differs", Language: "en"}: "UTILITY",
		{Channel: 7, Template: "differs", Language: "id"}: "MARKETING",
		{Channel: 7, Template: "differs", Language: "vi"}: "UTILITY",
	}
	if !maps.Equal(got, want) {
		t.Errorf("categories %v\n want %v", got, want)
	}
}
