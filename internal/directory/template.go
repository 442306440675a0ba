package directory

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"

	"waybill"
)

// Bounds of what webhooks teach: a tenant's bodies must not fill the store.
const (
	maxTemplates = 20000 // of a channel
	maxLearned   = 512   // bytes of a code or value
)

// A TemplateFact is what one report says of a template. Empty fields say
// nothing. The report's own time decides, field by field, which of two facts
// stands: the later one, and of two at the same time the larger value.
type TemplateFact struct {
	Channel        string // ID
	Code, Language string

	// At is the vendor's time. Never means that the report has none: it then
	// counts as written now, after all that stands.
	At waybill.Instant

	Name, Category, Status, Quality string
}

// A written value is one that stands until a later one is written.
type written struct {
	Value   string          `json:"value"`
	At      waybill.Instant `json:"at"`
	Applied bool            `json:"applied,omitempty"` // said by a document
}

// write returns what stands of w and a value written at a time. Such a maximum
// does not depend on the order of the writes.
func (w written) write(value string, at waybill.Instant) written {
	if value == "" || w.Value != "" && cmp.Or(cmp.Compare(at, w.At), strings.Compare(value, w.Value)) <= 0 {
		return w
	}
	return written{Value: value, At: at}
}

// apply returns w with the value of a document, which wins over all that was
// written before. What stands already stays as it was written: applying the
// same document again changes nothing.
func (w written) apply(value string, now waybill.Instant) written {
	if value == "" || value == w.Value {
		return w
	}
	return written{Value: value, At: max(now, w.At+1), Applied: true}
}

// learned returns w without what a document said.
func (w written) learned() written {
	if w.Applied {
		return written{}
	}
	return w
}

// A template is an entry of the registry of templates. It is fed by documents
// and by webhooks.
type template struct {
	channel, code, language   string
	title                     written // the vendor calls it the name
	category, status, quality written
	optedOut                  written          // "true" or "false"; see truth
	buttons                   []waybill.Button // from documents alone
}

func (t template) kind() string { return "template" }
func (t template) name() string { return join(t.channel, t.code, t.language) }

// templateOfKey returns the template without its fields that a record key names,
// if it names one.
func templateOfKey(key string) (template, bool) {
	parts := strings.Split(strings.TrimPrefix(key, recordRoot), "/")
	if len(parts) != 4 || parts[0] != (template{}).kind() {
		return template{}, false
	}
	for i := range parts {
		part, err := url.PathUnescape(parts[i])
		if err != nil {
			return template{}, false
		}
		parts[i] = part
	}
	return template{channel: parts[1], code: parts[2], language: parts[3]}, true
}

func (t template) fields() []field {
	fs := []field{
		{name: "name", values: one(t.title.Value), brief: true},
		{name: "category", values: one(t.category.Value), brief: true},
		{name: "status", values: one(t.status.Value)},
		{name: "quality", values: one(t.quality.Value)},
		{name: "link_tracking_opted_out", values: one(t.optedOut.Value)},
	}
	buttons := field{name: "buttons"}
	for _, b := range t.buttons {
		buttons.values = append(buttons.values, b.Type+" "+b.Text)
	}
	return append(fs, buttons)
}

func (t template) public() waybill.Template {
	return waybill.Template{
		Channel: t.channel, Code: t.code, Name: t.title.Value, Language: t.language,
		Category: t.category.Value, Status: t.status.Value, Quality: t.quality.Value,
		Buttons: t.buttons, LinkTrackingOptedOut: t.optedOut.Value == truth(true),
	}
}

// same reports whether t and o are equal, with the times at which their fields
// were written.
func (t template) same(o template) bool {
	return equal(t, o) && t.title == o.title && t.category == o.category &&
		t.status == o.status && t.quality == o.quality && t.optedOut == o.optedOut
}

func (t template) learn(f TemplateFact, now waybill.Instant) template {
	learn := func(w written, value string) written {
		switch {
		case f.At != waybill.Never:
			return w.write(value, f.At)
		case value == "" || value == w.Value:
			return w
		}
		return written{Value: value, At: max(now, w.At+1)}
	}
	t.title = learn(t.title, f.Name)
	t.category = learn(t.category, f.Category)
	t.status = learn(t.status, f.Status)
	t.quality = learn(t.quality, f.Quality)
	return t
}

// apply returns t as a document has it; what the document leaves out stays.
func (t template) apply(d template, now waybill.Instant) template {
	t.channel, t.code, t.language = d.channel, d.code, d.language
	t.title = t.title.apply(d.title.Value, now)
	t.category = t.category.apply(d.category.Value, now)
	t.optedOut = t.optedOut.apply(d.optedOut.Value, now)
	if d.buttons != nil {
		t.buttons = d.buttons
	}
	return t
}

// pruned returns t without what documents said, and whether anything is left.
func (t template) pruned() (template, bool) {
	t.title, t.category, t.optedOut = t.title.learned(), t.category.learned(), t.optedOut.learned()
	t.buttons = nil
	nothing := t.title.Value+t.category.Value+t.status.Value+t.quality.Value == ""
	return t, !nothing
}

type templateRecord struct {
	Channel  string         `json:"channel"`
	Code     string         `json:"code"`
	Language string         `json:"language"`
	Name     *written       `json:"name,omitempty"`
	Category *written       `json:"category,omitempty"`
	Status   *written       `json:"status,omitempty"`
	Quality  *written       `json:"quality,omitempty"`
	OptedOut *written       `json:"opted_out,omitempty"`
	Buttons  []buttonRecord `json:"buttons,omitempty"`
}

type buttonRecord struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func (t template) encode(sealer) ([]byte, error) {
	known := func(w written) *written {
		if w.Value == "" {
			return nil
		}
		return &w
	}
	r := templateRecord{
		Channel: t.channel, Code: t.code, Language: t.language, Name: known(t.title),
		Category: known(t.category), Status: known(t.status), Quality: known(t.quality),
		OptedOut: known(t.optedOut),
	}
	for _, b := range t.buttons {
		r.Buttons = append(r.Buttons, buttonRecord(b))
	}
	return json.Marshal(r)
}

func decodeTemplate(r waybill.Record, _ sealer) (entry, error) {
	var v templateRecord
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return nil, err
	}
	known := func(w *written) written {
		if w == nil {
			return written{}
		}
		return *w
	}
	t := template{
		channel: v.Channel, code: v.Code, language: v.Language, title: known(v.Name),
		category: known(v.Category), status: known(v.Status), quality: known(v.Quality),
		optedOut: known(v.OptedOut),
	}
	for _, b := range v.Buttons {
		t.buttons = append(t.buttons, waybill.Button(b))
	}
	return t, nil
}

// Learn writes what webhooks said of templates, durable when it returns nil.
// Facts can come in any order and repeatedly; those that teach nothing cost no
// write. Facts about channels that do not exist, and facts beyond the bounds of
// a registry, are left out.
func (d *Directory) Learn(ctx context.Context, facts []TemplateFact) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.refresh(ctx); err != nil {
		return err
	}
	changes := make(map[string]entry)
	added := make(map[string]int) // templates new to each channel
	for _, f := range facts {
		if _, ok := d.entries[recordKey(channel{waybill.Channel{ID: f.Channel}})]; !ok || !f.bounded() {
			continue
		}
		d.learn(f, changes, added)
	}
	if len(changes) == 0 {
		return nil
	}
	return d.commit(ctx, changes, d.next)
}

// learn adds to changes what f changes.
func (d *Directory) learn(f TemplateFact, changes map[string]entry, added map[string]int) {
	t := template{channel: f.Channel, code: f.Code, language: f.Language}
	key := recordKey(t)
	old, known := changes[key]
	if !known {
		old, known = d.entries[key]
	}
	if known {
		t = old.(template)
	} else if len(d.View().Templates(f.Channel))+added[f.Channel] >= maxTemplates {
		d.log.Warn("template not learnt: its channel has too many", "channel", f.Channel, "max", maxTemplates)
		return
	} else {
		added[f.Channel]++
	}
	if learnt := t.learn(f, waybill.InstantOf(d.now())); !learnt.same(t) {
		changes[key] = learnt
	}
}

// bounded reports whether f may be kept.
func (f *TemplateFact) bounded() bool {
	for _, v := range []string{f.Code, f.Language, f.Name, f.Category, f.Status, f.Quality} {
		if len(v) > maxLearned || !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
			return false
		}
	}
	return f.Code != ""
}
