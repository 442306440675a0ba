package directory

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"

	"waybill"
)

// A Ref names one object that can be changed by itself, beside documents.
type Ref struct {
	kind  string
	parts []string // of its name
}

// AccountRef names an account.
func AccountRef(id string) Ref { return Ref{account{}.kind(), []string{id}} }

// UserRef names a user of an account.
func UserRef(account, name string) Ref { return Ref{user{}.kind(), []string{account, name}} }

// TokenRef names a token of an account, of the operator where that is empty.
func TokenRef(account, name string) Ref { return Ref{token{}.kind(), []string{account, name}} }

// ChannelRef names a channel.
func ChannelRef(id string) Ref { return Ref{channel{}.kind(), []string{id}} }

// TemplateRef names one language of a template of a channel.
func TemplateRef(channel, code, language string) Ref {
	return Ref{template{}.kind(), []string{channel, code, language}}
}

func (r Ref) key() string { return recordRoot + r.kind + "/" + join(r.parts...) }

// unknown returns the error for an object that does not exist.
func (r Ref) unknown() error {
	return waybill.Errorf(waybill.NotFound, "%s %q does not exist", r.kind, strings.Join(r.parts[max(0, len(r.parts)-2):], "/"))
}

// A Condition is what must hold for an object to be changed. The zero value
// always holds.
type Condition struct {
	// Match holds the versions one of which must stand; "*" is any. Nil asks
	// for none.
	Match []string

	New bool // there must be no such object
}

// ErrStale is in the chain of errors of a change whose Condition does not hold.
var ErrStale error = &waybill.Error{Code: waybill.Conflict, Message: "the object is not as the condition says"}

// A stale error says what does not hold.
type stale struct{ error }

func (s stale) Unwrap() []error { return []error{s.error, ErrStale} }

// check returns what speaks against a change of an object. version is empty where
// there is none.
func (c Condition) check(r Ref, version string) error {
	switch {
	case c.New && version != "":
		return stale{waybill.Errorf(waybill.Conflict, "%s %q exists already", r.kind, r.parts[len(r.parts)-1])}
	case c.Match == nil, version != "" && (slices.Contains(c.Match, version) || slices.Contains(c.Match, "*")):
		return nil
	case version == "":
		return stale{r.unknown()}
	}
	return stale{waybill.Errorf(waybill.Conflict,
		"%s %q was changed meanwhile: read it again", r.kind, r.parts[len(r.parts)-1])}
}

// Version returns what changes whenever anything of an object does, its secrets
// included, of which it tells nothing. It is empty where there is no such object.
func (v *View) Version(r Ref) string {
	e := v.entries[r.key()]
	if r.kind == (template{}).kind() {
		t, ok := v.Template(r.parts[0], r.parts[1], r.parts[2])
		if !ok {
			return ""
		}
		e = templateOf(&t)
	}
	if e == nil {
		return ""
	}
	mac := hmac.New(sha256.New, v.versions)
	write := func(s string) {
		mac.Write(binary.AppendUvarint(nil, uint64(len(s))))
		mac.Write([]byte(s))
	}
	write(r.key())
	for _, f := range e.fields() {
		write(f.name)
		mac.Write(binary.AppendUvarint(nil, uint64(len(f.values))))
		for _, value := range f.values {
			write(value)
		}
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:15])
}

// templateOf returns what a template says, without when that was written.
func templateOf(t *waybill.Template) template {
	return template{
		channel: t.Channel, code: t.Code, language: t.Language,
		title: written{Value: t.Name}, category: written{Value: t.Category},
		status: written{Value: t.Status}, quality: written{Value: t.Quality},
		optedOut: written{Value: truth(t.LinkTrackingOptedOut)}, buttons: t.Buttons,
	}
}

// Put makes one object what body says: a JSON object with the keys that the
// object has in a document, without those that ref names. The rules and the
// Mistakes are those of Apply; references are to what the directory has. Nothing
// is expanded in texts.
//
// What body leaves out is removed, but for what its reader could not know: the
// webhook secrets and the ISV's code of a channel, and the access keys of a user.
// As with Apply, a template and the metrics of a channel keep what is left out.
// Users, tokens and all else that an account has are not part of it.
func (d *Directory) Put(ctx context.Context, r Ref, body []byte, c Condition) (created bool, err error) {
	created, added, err := d.put(ctx, r, body, c)
	if err == nil {
		d.announce(ctx, added)
	}
	return created, err
}

func (d *Directory) put(ctx context.Context, r Ref, body []byte, c Condition) (created bool, added []waybill.Channel, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.refresh(ctx); err != nil {
		return false, nil, err
	}
	if err := c.check(r, d.View().Version(r)); err != nil {
		return false, nil, err
	}
	doc, err := parseObject(r, body, d.entries)
	if err != nil {
		return false, nil, err
	}
	if err := d.room(r, doc); err != nil {
		return false, nil, err
	}
	p := d.newPlan(doc)
	p.whole, p.single = true, true
	p.put()
	p.checkUnique()
	if err := p.mistakes.err(); err != nil {
		return false, nil, err
	}
	if len(p.changes) == 0 {
		return false, nil, nil
	}
	_, known := d.entries[r.key()]
	return !known, p.added, d.commit(ctx, p.changes, p.next)
}

// maxObjects is how many objects of one kind an account may have before no more
// can be put one by one: they are all in memory.
const maxObjects = 10_000

// room returns what speaks against one more object, if it is new.
func (d *Directory) room(r Ref, doc *Document) error {
	if _, known := d.entries[r.key()]; known {
		return nil
	}
	view, count, most, of := d.View(), 0, maxObjects, ""
	switch e := doc.entries[r.key()].(type) {
	case channel:
		count, of = len(view.ChannelsOf(e.Account)), "account "+e.Account
	case user:
		count, of = len(view.Users(e.Account)), "account "+e.Account
	case template:
		count, most, of = len(view.Templates(e.channel)), maxTemplates, "channel "+e.channel
	}
	if count >= most {
		return waybill.Errorf(waybill.TooLarge, "%s has %d objects of kind %s, more cannot be put", of, count, r.kind)
	}
	return nil
}

// Delete removes one object. With a channel go its templates, and its history
// ends: a channel of the same ID begins anew. With an account goes all that it
// has, but one that owns or operates channels is refused with Conflict, and so is
// a user who has tokens: a name must not pass to somebody else. Tokens and MoMo
// clients that list a channel go on listing it, and reach nothing by it.
func (d *Directory) Delete(ctx context.Context, r Ref, c Condition) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.refresh(ctx); err != nil {
		return err
	}
	if err := c.check(r, d.View().Version(r)); err != nil {
		return err
	}
	e, ok := d.entries[r.key()]
	if !ok {
		return r.unknown()
	}
	if err := d.View().inUse(e); err != nil {
		return err
	}
	changes := make(map[string]entry)
	for key, other := range d.entries {
		if key == r.key() || belongs(other, e) {
			changes[key] = nil
		}
	}
	return d.commit(ctx, changes, d.next)
}

// inUse returns what keeps an entry from being deleted.
func (v *View) inUse(e entry) error {
	switch e := e.(type) {
	case account:
		for _, c := range v.channelList {
			if c.Writable(e.ID) {
				return waybill.Errorf(waybill.Conflict, "account %q still has channel %q", e.ID, c.ID)
			}
		}
	case user:
		for _, t := range v.TokensOf(e.Account) {
			if t.User == e.User.Name {
				return waybill.Errorf(waybill.Conflict, "user %q still has token %q", e.User.Name, t.Name)
			}
		}
	}
	return nil
}

// belongs reports whether e is part of what whole is and goes with it.
func belongs(e, whole entry) bool {
	switch whole := whole.(type) {
	case account:
		switch e := e.(type) {
		case user:
			return e.Account == whole.ID
		case token:
			return e.Account == whole.ID
		case app:
			return e.Account == whole.ID
		case momoClient:
			return e.Account == whole.ID
		case rate:
			return e.Account == whole.ID
		}
	case channel:
		t, ok := e.(template)
		return ok && t.channel == whole.ID
	}
	return false
}
