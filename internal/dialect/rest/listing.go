package rest

import (
	"encoding/base64"
	"slices"
	"strings"

	"waybill"
)

// pageParams are the parameters of a list that is answered in pages.
type pageParams struct {
	Limit int    `query:"limit" default:"100" min:"1" max:"1000" doc:"Length of the page."`
	After string `query:"after" example:"Y2Ftcy1kZW1v" doc:"What the page before this one said as next."`
}

// page returns a page of a list that is ordered by key, and the cursor of the
// next, empty on the last page. What is added or deleted meanwhile moves nothing:
// the cursor holds the key of the last item.
func page[T any](list []T, key func(T) string, p pageParams) (items []T, next string, err error) {
	from := 0
	if p.After != "" {
		after, err := base64.RawURLEncoding.DecodeString(p.After)
		if err != nil {
			return nil, "", waybill.Errorf(waybill.Invalid, "after %s is no cursor of this list", cut(p.After))
		}
		at, found := slices.BinarySearchFunc(list, string(after), func(item T, after string) int {
			return strings.Compare(key(item), after)
		})
		from = at
		if found {
			from++
		}
	}
	items = list[from:min(from+p.Limit, len(list))]
	if from+len(items) < len(list) {
		next = base64.RawURLEncoding.EncodeToString([]byte(key(items[len(items)-1])))
	}
	return items, next, nil
}

// each returns what show makes of every item, never nil.
func each[T, S any](items []T, show func(T) S) []S {
	shown := make([]S, 0, len(items))
	for _, item := range items {
		shown = append(shown, show(item))
	}
	return shown
}
