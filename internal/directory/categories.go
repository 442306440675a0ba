package directory

import (
	"strings"

	"waybill"
)

// Categories returns the categories of a channel's templates, as queries join them
// to messages. Where all languages of a template that have a category have the same
// one, it is that of its other languages and of messages whose language is unknown,
// too.
func Categories(channel waybill.ChannelNumber, templates []waybill.Template) map[waybill.TemplateRef]string {
	categories := make(map[waybill.TemplateRef]string)
	agreed := make(map[string]string) // by code; empty where the languages differ
	for _, t := range templates {
		category := strings.ToUpper(t.Category)
		if category == "" {
			continue
		}
		categories[waybill.TemplateRef{Channel: channel, Template: t.Code, Language: t.Language}] = category
		if one, known := agreed[t.Code]; known && one != category {
			category = ""
		}
		agreed[t.Code] = category
	}
	for code, category := range agreed {
		if category != "" {
			categories[waybill.TemplateRef{Channel: channel, Template: code}] = category
		}
	}
	return categories
}
