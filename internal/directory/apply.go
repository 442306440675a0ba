package directory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"waybill"
)

// ApplyOptions say how a document is applied.
type ApplyOptions struct {
	// Prune deletes what earlier documents named and this one does not. Tokens
	// from IssueToken, access keys from IssueAccessKey and what webhooks taught
	// of templates stay, as long as their account, user or channel does.
	Prune bool

	// DryRun changes nothing and returns the Diff that would be.
	DryRun bool
}

// Apply makes the directory say what doc says, in one atomic step, and returns
// what that changed. Applying the same document again changes nothing.
//
// A new channel gets a number that was never used before. An existing one keeps
// its number, so its account and provider cannot change, and its
// MetricsEnabled, Insights and SenderIDs where doc leaves those out. The rates of
// an account that doc names replace all that stand. A field of a template that
// differs from what stands counts as written now: later webhooks can change it,
// earlier ones cannot.
//
// What speaks against doc is returned as Mistakes, and nothing is changed.
func (d *Directory) Apply(ctx context.Context, doc *Document, opt ApplyOptions) (Diff, error) {
	diff, added, err := d.apply(ctx, doc, opt)
	if err != nil {
		return nil, err
	}
	d.announce(ctx, added)
	return diff, nil
}

// announce calls what OnChannel was given. The caller does not hold d.mu.
func (d *Directory) announce(ctx context.Context, added []waybill.Channel) {
	d.mu.Lock()
	callbacks := slices.Clip(d.onChannel)
	d.mu.Unlock()
	// The channel is there, also for a caller who has gone by now.
	ctx = context.WithoutCancel(ctx)
	for _, c := range added {
		for _, f := range callbacks {
			f(ctx, c)
		}
	}
}

func (d *Directory) apply(
	ctx context.Context, doc *Document, opt ApplyOptions,
) (Diff, []waybill.Channel, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.refresh(ctx); err != nil {
		return nil, nil, err
	}
	p := d.newPlan(doc)
	p.whole = opt.Prune
	p.put()
	p.replaceCards()
	if opt.Prune {
		p.prune()
	}
	p.checkUnique()
	if err := p.mistakes.err(); err != nil {
		return nil, nil, err
	}
	diff := newDiff(p.old, p.changes)
	if err := d.tellLosses(ctx, diff); err != nil {
		return nil, nil, err
	}
	if opt.DryRun || len(p.changes) == 0 {
		return diff, nil, nil
	}
	if err := d.commit(ctx, p.changes, p.next); err != nil {
		return nil, nil, err
	}
	return diff, p.added, nil
}

// tellLosses adds to each channel that is deleted how many messages go with it.
func (d *Directory) tellLosses(ctx context.Context, diff Diff) error {
	for i, e := range diff {
		c, ok := d.entries[recordKey(channel{waybill.Channel{ID: e.Name}})].(channel)
		if e.Op != Deleted || e.Kind != c.kind() || !ok {
			continue
		}
		n, err := d.Messages(ctx, &c.Channel)
		if err != nil {
			return err
		}
		if n > 0 {
			diff[i].Detail = fmt.Sprintf("its history is lost, of %d messages", n)
		}
	}
	return nil
}

// Messages returns how many messages the ledger counts of a channel: what is lost
// when it is deleted.
func (d *Directory) Messages(ctx context.Context, c *waybill.Channel) (int64, error) {
	points, err := d.store.Points(ctx, waybill.Query{
		Channels: []waybill.ChannelNumber{c.Number}, To: waybill.MaxInstant, Granularity: waybill.Total,
	})
	if err != nil {
		return 0, fmt.Errorf("count messages of channel %s: %w", c.ID, err)
	}
	var n int64
	for _, p := range points {
		n += p.Counts[waybill.Accepted]
	}
	return n, nil
}

// newPlan returns an empty plan. The caller holds d.mu.
func (d *Directory) newPlan(doc *Document) *plan {
	return &plan{
		doc: doc, old: d.entries, changes: make(map[string]entry),
		next: d.next, now: waybill.InstantOf(d.now()),
	}
}

// A plan is the way from the directory as it stands to what a document says.
type plan struct {
	doc      *Document
	old      map[string]entry
	changes  map[string]entry // nil deletes
	next     waybill.ChannelNumber
	now      waybill.Instant
	added    []waybill.Channel
	whole    bool // what the document says of an account is all of it
	single   bool // the document is one object, of somebody who may not see all others
	mistakes Mistakes
}

func (p *plan) mistake(key, message string) {
	m := p.doc.places[key]
	m.Message = message
	p.mistakes = append(p.mistakes, m)
}

// put plans what the document adds and changes. It goes by record key, so that
// the same document gives channels the same numbers everywhere.
func (p *plan) put() {
	for _, key := range slices.Sorted(maps.Keys(p.doc.entries)) {
		old, known := p.old[key]
		e := p.doc.entries[key]
		switch want := e.(type) {
		case account:
			if known && !p.whole {
				e = want.keep(old.(account))
			}
		case user:
			if known {
				e = want.keep(old.(user))
			}
		case app:
			if known && old.(app).Account != want.Account {
				p.mistake(key, fmt.Sprintf("app %q belongs to account %s and cannot move to %s: %s, then add it again",
					want.ID, old.(app).Account, want.Account, p.howToDelete()))
			}
		case channel:
			e = p.channel(key, want)
		case template:
			var have template
			if known {
				have = old.(template)
			}
			e = have.apply(want, p.now)
		}
		if !known || !equal(old, e) {
			p.changes[key] = e
		}
	}
}

// keep returns a with what it leaves out taken from have, since a document that
// only adds to an account must name it.
func (a account) keep(have account) account {
	if a.Name == "" {
		a.Name = have.Name
	}
	if len(a.Products) == 0 {
		a.Products = have.Products
	}
	return a
}

// keep returns u with the access keys of have that no document names.
func (u user) keep(have user) user {
	for _, k := range have.AccessKeys {
		named := slices.ContainsFunc(u.AccessKeys, func(n waybill.AccessKey) bool { return n.ID == k.ID })
		if !named && slices.Contains(have.issued, k.ID) {
			u.AccessKeys = append(slices.Clip(u.AccessKeys), k)
			u.issued = append(slices.Clip(u.issued), k.ID)
		}
	}
	return u
}

// channel returns the channel as it would be stored.
func (p *plan) channel(key string, c channel) channel {
	have, known := p.old[key].(channel)
	if !known {
		if c.Insights == disabledOutright {
			c.Insights = waybill.InsightsDisabled
		}
		c.Number = p.next
		p.next++
		p.added = append(p.added, c.Channel)
		return c
	}
	way := ": " + p.howToDelete() + ", then add it again with an empty history"
	if c.Account != have.Account {
		p.mistake(key, fmt.Sprintf("channel %q belongs to account %s and cannot move to %s"+way,
			c.ID, have.Account, c.Account))
	}
	if c.Provider != have.Provider {
		p.mistake(key, fmt.Sprintf("channel %q is of provider %s and cannot become %s"+way,
			c.ID, have.Provider, c.Provider))
	}
	c.Number = have.Number
	if c.MetricsEnabled == waybill.Never {
		c.MetricsEnabled = have.MetricsEnabled
	}
	switch c.Insights {
	case waybill.InsightsDisabled:
		c.Insights = have.Insights
	case disabledOutright:
		c.Insights = waybill.InsightsDisabled
	}
	c.SenderIDs = keepSenderIDs(c.SenderIDs, have.SenderIDs)
	return c
}

func (p *plan) howToDelete() string {
	if p.single {
		return "delete it"
	}
	return "apply without it and with --prune"
}

// replaceCards plans to delete the rates that the document leaves out of the rate
// cards that it names.
func (p *plan) replaceCards() {
	for key, old := range p.old {
		if r, ok := old.(rate); ok && p.doc.cards[r.Account] && p.doc.entries[key] == nil {
			p.changes[key] = nil
		}
	}
}

// prune plans to delete what the document does not name.
func (p *plan) prune() {
	for key, old := range p.old {
		if _, named := p.doc.entries[key]; named {
			continue
		}
		switch old := old.(type) {
		case token:
			if old.issued && p.stays(account{waybill.Account{ID: old.Account}}) && p.staysBound(&old) {
				continue
			}
		case template:
			if t, rest := old.pruned(); rest && p.stays(channel{waybill.Channel{ID: old.channel}}) {
				if !t.same(old) {
					p.changes[key] = t
				}
				continue
			}
		}
		p.changes[key] = nil
	}
}

// stays reports whether an entry is in the document. The operator's account,
// which has no ID, always is.
func (p *plan) stays(e entry) bool {
	_, named := p.doc.entries[recordKey(e)]
	return named || e.name() == ""
}

// staysBound reports whether the user, if any, that binds a token is in the
// document.
func (p *plan) staysBound(t *token) bool {
	return t.User == "" || p.stays(user{User: waybill.User{Account: t.Account, Name: t.User}})
}

// checkUnique notes what the result would have twice, once in the document and
// once in what stands beside it.
func (p *plan) checkUnique() {
	taken := make(map[string]string) // name of the thing -> title of its entry
	for key, e := range p.old {
		_, named := p.doc.entries[key]
		if changed, ok := p.changes[key]; named || ok && changed == nil {
			continue
		}
		for _, u := range unique(e) {
			taken[u] = e.kind() + " " + showName(e)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(p.doc.entries)) {
		e := p.changes[key]
		if e == nil {
			e = p.old[key]
		}
		for _, u := range unique(e) {
			by, ok := taken[u]
			taken[u] = e.kind() + " " + showName(e)
			thing, _, _ := strings.Cut(u, "\x00")
			switch {
			case ok && p.single:
				p.mistake(key, thing+" is in use already")
			case ok:
				p.mistake(key, fmt.Sprintf("%s is in use by %s, which the document does not name", thing, by))
			}
		}
	}
}

// unique returns what no two entries of the directory may share, in a form that
// begins with words for it and ends after a NUL with what must differ.
func unique(e entry) []string {
	var things []string
	switch e := e.(type) {
	case user:
		for _, k := range e.AccessKeys {
			things = append(things, fmt.Sprintf("access key %q\x00%s", k.ID, k.ID))
		}
	case token:
		things = append(things, "its token\x00"+string(e.hash[:]))
	case channel:
		for _, s := range e.WebhookSecrets {
			things = append(things, "its webhook secret\x00"+s)
		}
	}
	return things
}
