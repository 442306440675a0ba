package alibaba

import (
	"slices"
	"strings"

	"waybill"
	"waybill/internal/directory"
)

// marketing is the category whose templates have metrics.
const marketing = "MARKETING"

// The types of buttons, in the vendor's words for clicks.
const (
	quickReplyButton = "quick_reply_button"
	urlButton        = "url_button"
	phoneButton      = "phone_number_button"
)

// A catalog is the registry of a channel's templates, as metrics need it.
type catalog struct {
	languages  map[string][]string              // by code
	categories map[waybill.TemplateRef]string   // by code and language; see directory.Categories
	replies    map[string][]waybill.TemplateRef // by text of a quick reply, of one code or several
	channel    waybill.ChannelNumber
}

// catalogOf returns the templates of a channel, which are sorted once.
func (s *snapshot) catalogOf(c *waybill.Channel) *catalog {
	if known, ok := s.catalogs.Load(c.ID); ok {
		return known.(*catalog)
	}
	known, _ := s.catalogs.LoadOrStore(c.ID, newCatalog(c.Number, s.view.Templates(c.ID)))
	return known.(*catalog)
}

// newCatalog returns the catalog of a channel.
func newCatalog(channel waybill.ChannelNumber, templates []waybill.Template) *catalog {
	k := &catalog{
		languages:  make(map[string][]string),
		categories: directory.Categories(channel, templates),
		replies:    make(map[string][]waybill.TemplateRef),
		channel:    channel,
	}
	for _, t := range templates {
		k.languages[t.Code] = append(k.languages[t.Code], t.Language)
		ref := waybill.TemplateRef{Channel: channel, Template: t.Code, Language: t.Language}
		for _, b := range t.Buttons {
			if buttonType(b.Type) == quickReplyButton && !slices.Contains(k.replies[b.Text], ref) {
				k.replies[b.Text] = append(k.replies[b.Text], ref)
			}
		}
	}
	return k
}

// category returns the registered category of a template, "" if it is unknown.
func (k *catalog) category(code, language string) string {
	q := waybill.Query{Categories: k.categories}
	return q.CategoryOf(waybill.TemplateRef{Channel: k.channel, Template: code, Language: language})
}

// language returns the language that a message of the template is in: the one it
// has, else the only one that there is.
func (k *catalog) language(code, label string) string {
	if known := k.languages[code]; label == "" && len(known) == 1 {
		return known[0]
	}
	return label
}

// byReply returns the one template that has a quick reply with the text. Its
// language is "" where several of its languages have it.
func (k *catalog) byReply(text string) (code, language string, ok bool) {
	refs := k.replies[text]
	if len(refs) == 0 {
		return "", "", false
	}
	for _, r := range refs[1:] {
		if r.Template != refs[0].Template {
			return "", "", false
		}
	}
	if len(refs) == 1 {
		language = refs[0].Language
	}
	return refs[0].Template, language, true
}

// buttonType returns the vendor's word for a type of button as clicks have it,
// "" for one that it has none for. Meta's unique types are the same clicks again.
func buttonType(kind string) string {
	switch strings.ToLower(kind) {
	case quickReplyButton, "quick_reply":
		return quickReplyButton
	case urlButton, "url":
		return urlButton
	case phoneButton, "phone_number":
		return phoneButton
	}
	return ""
}
