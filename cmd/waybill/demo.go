package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"waybill"
	"waybill/internal/demo"
	"waybill/internal/directory"
)

type demoCmd struct {
	serveFlags `embed:""`

	Data string `help:"Directory of the demo, made when absent." default:".demo" predictor:"dir" placeholder:"DIR"`
	Days int    `help:"Days of traffic before now; the MoMo page has a year at least." default:"90" placeholder:"N"`
	Seed uint64 `help:"Seed of the traffic: the same seed gives the same messages." default:"1" placeholder:"N"`
}

// maxDemoDays bounds the traffic to about ten million events.
const maxDemoDays = 1000

// Run makes the demo's data and serves it. A second run over the same directory
// keeps its tenants and adds the traffic since.
func (cmd *demoCmd) Run(ctx context.Context, c console, line commandLine) error {
	if cmd.Days < 1 || cmd.Days > maxDemoDays {
		return fmt.Errorf("--days %d is not between 1 and %d", cmd.Days, maxDemoDays)
	}
	a, err := newApp(cmd.serveFlags, dataFlags{Data: cmd.Data}, c)
	if err != nil {
		return err
	}
	a.line = line
	return a.run(ctx, func(ctx context.Context) error { return cmd.prepare(ctx, a, c.out) })
}

// prepare fills the store, lets requests in, and says how to call.
func (cmd *demoCmd) prepare(ctx context.Context, a *app, out io.Writer) error {
	business := demo.New(demo.Options{Seed: cmd.Seed, Days: cmd.Days, Now: time.Now()})
	credentials, kept := cmd.kept(a.directory.View(), business)
	if err := os.Remove(cmd.credentialsPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // who waits for the file must not find the old one
	}
	if !kept {
		credentials = business.Credentials()
		if err := cmd.tenants(ctx, a, business); err != nil {
			return err
		}
	}
	if err := cmd.traffic(ctx, a, business, out); err != nil {
		return err
	}
	if err := a.ready(ctx); err != nil {
		return err
	}
	return cmd.tell(a, credentials, out)
}

// kept returns the credentials that an earlier run left, if they are of the same
// business, still good, and its metrics reach back as far as this run does.
func (cmd *demoCmd) kept(view *directory.View, business *demo.Business) (c demo.Credentials, ok bool) {
	text, err := os.ReadFile(cmd.credentialsPath())
	if err != nil || json.Unmarshal(text, &c) != nil {
		return c, false
	}
	_, valid := view.Token(c.Meta.AccessToken)
	channel, _ := view.Channel(c.Alibaba.CustSpaceID)
	same := c.Meta.WABAID == business.Credentials().Meta.WABAID
	return c, valid && same && channel.MetricsEnabled <= business.MetricsEnabled()
}

// tenants applies the directory of the business.
func (cmd *demoCmd) tenants(ctx context.Context, a *app, business *demo.Business) error {
	text, err := business.Directory()
	if err != nil {
		return err
	}
	doc, err := directory.Parse(bytes.NewReader(text), func(string) (string, bool) { return "", false })
	if err != nil {
		return fmt.Errorf("the demo's directory: %w", err)
	}
	alone, err := a.directory.Apply(ctx, doc, directory.ApplyOptions{Prune: true, DryRun: true})
	if err != nil {
		return err
	}
	for _, d := range alone {
		if d.Op == directory.Deleted {
			return fmt.Errorf("%s holds the %s %s, which is not of this demo: choose another --data", cmd.Data, d.Kind, d.Name)
		}
	}
	_, err = a.directory.Apply(ctx, doc, directory.ApplyOptions{})
	return err
}

// traffic records the events of the business as any sender's are.
func (cmd *demoCmd) traffic(ctx context.Context, a *app, business *demo.Business, out io.Writer) error {
	begun, total := time.Now(), 0
	number := func(id string) waybill.ChannelNumber {
		c, _ := a.directory.View().Channel(id)
		return c.Number
	}
	if _, err := a.store.PutSegments(ctx, business.Segments(number)); err != nil {
		return fmt.Errorf("the demo's segments: %w", err)
	}
	for batch := range business.Events(number) {
		receipt, err := a.recorder.Record(ctx, batch)
		if err != nil {
			return err
		}
		if len(receipt.Rejected) > 0 {
			return fmt.Errorf("the demo's event %+v: %w", batch[receipt.Rejected[0].Index], receipt.Rejected[0].Err)
		}
		total += len(batch)
	}
	_, err := fmt.Fprintf(out, "%d events recorded in %.1f s: of %d days, and a year of the MoMo page\n",
		total, time.Since(begun).Seconds(), cmd.Days)
	return err
}

// credentialsFile is what a client of the demo needs to know.
const credentialsFile = "demo.json"

func (cmd *demoCmd) credentialsPath() string { return filepath.Join(cmd.Data, credentialsFile) }

// tell writes the credentials into the data directory, as the last thing, so
// that whoever sees the file finds a server that answers, and prints a call.
func (cmd *demoCmd) tell(a *app, c demo.Credentials, out io.Writer) error {
	token, err := os.ReadFile(a.adminTokenPath())
	if err != nil {
		return err
	}
	c = c.At(a.url(), strings.TrimSpace(string(token)))
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	path := cmd.credentialsPath()
	if err := writeSecret(path, append(text, '\n')); err != nil {
		return err
	}
	now := time.Now()
	_, err = fmt.Fprintf(out, `
Credentials are in %s. WhatsApp messages sent and delivered by day, asked for as Meta is:

curl -s -H 'Authorization: Bearer %s' \
  '%s/%s/%s?fields=analytics.start(%d).end(%d).granularity(DAY)'

The newest sends of a MoMo page to its customers, asked for as MoMo is:

curl -s -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' \
  '%s/api/v1/business-pages/%s/chat/messages/report' -d '{"report_time_range":"DAY_AGO_30","limit":2}'

`, path, c.Meta.AccessToken, c.URL, c.Meta.Version, c.Meta.WABAID,
		now.AddDate(0, 0, -cmd.Days).Unix(), now.Unix(),
		c.Momo.Token, c.Momo.BaseURL, c.Momo.PageID)
	a.log.Info("wrote the credentials", "file", path)
	return err
}
