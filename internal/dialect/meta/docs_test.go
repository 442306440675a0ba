package meta

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"waybill"
)

// TestEverythingServedIsDocumented looks for the name of each field, edge and
// parameter in the page of the dialect.
func TestEverythingServedIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/dialects/meta.md")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{debugTokenPath, "batch", "ids", "pretty", "suppress_http_code", "filtering"}
	for _, kind := range []*nodeKind{accountKind, phoneKind, templateKind} {
		names = append(names, slices.Collect(maps.Keys(kind.fields))...)
		for name, e := range kind.edges {
			names = append(names, name)
			if e.series == templateSeries || e.series == pricingSeries {
				names = append(names, e.series.params...)
			}
		}
	}
	names = append(names, waybill.PricingCategories...)
	for _, d := range pricingDimensions {
		names = append(names, d.name)
	}
	for _, name := range names {
		if !strings.Contains(string(text), "`"+name+"`") && !strings.Contains(string(text), name+"=") {
			t.Errorf("docs/dialects/meta.md does not mention %s", name)
		}
	}
}
