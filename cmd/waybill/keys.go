package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"time"

	"waybill"
	"waybill/internal/dialect/alibaba"
	"waybill/internal/dialect/rest"
	"waybill/internal/directory"
	"waybill/internal/ram"
	"waybill/internal/spelling"
	"waybill/internal/store/pebble"
)

type keysCmd struct {
	STS     stsCmd     `cmd:"" name:"sts" help:"Issue a temporary access key of a user."`
	Explain explainCmd `cmd:"" help:"Say whether a user may do something, and which statement decides."`
}

func newTemporaryKey(tokens *alibaba.Tokens, account, user string, life time.Duration) (rest.TemporaryKey, error) {
	c, err := tokens.Issue(account, user, life)
	if err != nil {
		return rest.TemporaryKey{}, err
	}
	return rest.TemporaryKey{
		AccessKeyID: c.AccessKeyID, AccessKeySecret: c.AccessKeySecret, SecurityToken: c.SecurityToken,
		Expiration: c.Expires.UTC().Format(time.RFC3339),
	}, nil
}

type stsCmd struct {
	dataFlags `embed:""`

	Account string        `help:"ID of the user's account." required:"" placeholder:"ID"`
	User    string        `help:"Name of the user." required:"" placeholder:"NAME"`
	Life    time.Duration `help:"How long the key is good for, at most 12h." default:"1h" placeholder:"DURATION"`
}

// Run prints the key in JSON. It needs the secret key and not the store, so that
// it works beside a running server; whether there is such a user is seen when the
// key is used.
func (cmd *stsCmd) Run(c console) error {
	key, err := directory.ReadKey(os.Getenv(secretKeyVariable), cmd.keyFile())
	if err != nil {
		return err
	}
	tokens, err := alibaba.NewTokens(key, time.Now)
	if err != nil {
		return err
	}
	issued, err := newTemporaryKey(tokens, cmd.Account, cmd.User, cmd.Life)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(c.err, "waybill: that there is such a user is not checked here"); err != nil {
		return err
	}
	return json.NewEncoder(c.out).Encode(issued)
}

type explainCmd struct {
	dataFlags `embed:""`

	Account  string     `help:"ID of the user's account." required:"" placeholder:"ID"`
	User     string     `help:"Name of the user." required:"" placeholder:"NAME"`
	SourceIP netip.Addr `help:"Address that the call comes from, for acs:SourceIp." placeholder:"IP"`
	Insecure bool       `help:"The call does not come over TLS."`
	Action   string     `arg:"" help:"Action, such as cams:GetChatappTemplateMetric."`
}

// Run prints the decision and why each statement did or did not apply. The exit
// code is 1 where the user may not.
func (cmd *explainCmd) Run(ctx context.Context, c console) error {
	store, dir, _, err := openData(ctx, cmd.dataFlags, pebble.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	explanation, err := cmd.explain(dir.View())
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(c.out, explanation); err != nil {
		return err
	}
	if err := cmd.warn(c); err != nil {
		return err
	}
	if !explanation.Decision.Allowed() {
		return fmt.Errorf("user %s may not do %s", cmd.User, cmd.Action)
	}
	return nil
}

// warn says that no operation has the action, which policies may still allow.
func (cmd *explainCmd) warn(c console) error {
	var known []string
	for _, o := range ram.Operations() {
		if strings.EqualFold(o.Action, cmd.Action) {
			return nil
		}
		known = append(known, o.Action)
	}
	_, err := fmt.Fprintf(c.err, "waybill: no operation has the action %s%s\n", cmd.Action, spelling.Question(cmd.Action, known))
	return err
}

func (cmd *explainCmd) explain(view *directory.View) (ram.Explanation, error) {
	for _, u := range view.Users(cmd.Account) {
		if u.Name != cmd.User {
			continue
		}
		policies, err := ram.Attach(u.Policies)
		if err != nil {
			return ram.Explanation{}, fmt.Errorf("user %s: %w", u.Name, err)
		}
		return ram.Explain(policies, ram.Request{
			Principal: ram.Principal{Type: ram.SubUser, Account: cmd.Account, Name: cmd.User},
			Action:    cmd.Action, Now: time.Now(), SourceIP: cmd.SourceIP, Secure: !cmd.Insecure,
		}), nil
	}
	return ram.Explanation{}, waybill.Errorf(waybill.NotFound, "account %s has no user %s", cmd.Account, cmd.User)
}
