package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"time"

	"waybill/internal/dialect/alibaba"
	"waybill/internal/dialect/rest"
	"waybill/internal/directory"
)

type keysCmd struct {
	Add     keysAddCmd    `cmd:"" help:"Make an access key of a user, or a token."`
	List    keysListCmd   `cmd:"" help:"List the access keys and tokens of an account."`
	Revoke  keysRevokeCmd `cmd:"" help:"Delete access keys or tokens."`
	STS     stsCmd        `cmd:"" name:"sts" help:"Issue a temporary access key of a user."`
	Explain explainCmd    `cmd:"" help:"Say whether a user may do something, and which statement decides."`
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

// withClient calls do with a client, and closes it.
func (f *clientFlags) withClient(ctx context.Context, do func(*client) error) error {
	api, err := f.client(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(api), api.Close())
}

// path returns the path of a call, each part of it escaped.
func path(parts ...string) string {
	p := "/waybill/v1"
	for _, part := range parts {
		p += "/" + url.PathEscape(part)
	}
	return p
}

type stsCmd struct {
	clientFlags `embed:""`

	Account string        `env:"-" help:"ID of the user's account." required:"" placeholder:"ID"`
	User    string        `env:"-" help:"Name of the user." required:"" placeholder:"NAME"`
	Life    time.Duration `env:"-" help:"How long the key is good for, at most 12h." default:"1h" placeholder:"DURATION"`
}

// Run prints the key in JSON. Without --url it needs the secret key and not the
// store, so that it works beside a running server; whether there is such a user is
// then seen when the key is used.
func (cmd *stsCmd) Run(ctx context.Context, c console) error {
	if cmd.URL != "" {
		return cmd.withClient(ctx, func(api *client) error {
			var issued rest.TemporaryKey
			body := map[string]any{"account": cmd.Account, "user": cmd.User, "duration_seconds": int64(cmd.Life.Seconds())}
			if err := api.post(ctx, path("temporary-keys"), body, &issued, callTimeout); err != nil {
				return err
			}
			return json.NewEncoder(c.out).Encode(issued)
		})
	}
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
	clientFlags `embed:""`

	Account  string     `env:"-" help:"ID of the user's account." required:"" placeholder:"ID"`
	User     string     `env:"-" help:"Name of the user." required:"" placeholder:"NAME"`
	Resource string     `env:"-" help:"What it would be done on, for actions of waybill; the account by default." placeholder:"ARN"`
	SourceIP netip.Addr `env:"-" help:"Address that the call comes from, for acs:SourceIp." placeholder:"IP"`
	Insecure bool       `env:"-" help:"The call does not come over TLS."`
	Action   string     `arg:"" help:"Action, such as cams:GetChatappTemplateMetric."`
}

// Run prints the decision and why each statement did or did not apply. The exit
// code is 1 where the user may not.
func (cmd *explainCmd) Run(ctx context.Context, c console) error {
	asked := map[string]any{"account": cmd.Account, "user": cmd.User, "action": cmd.Action, "insecure": cmd.Insecure}
	if cmd.Resource != "" {
		asked["resource"] = cmd.Resource
	}
	if cmd.SourceIP.IsValid() {
		asked["source_ip"] = cmd.SourceIP.String()
	}
	var answer struct {
		Allowed  bool     `json:"allowed"`
		Text     string   `json:"text"`
		Warnings []string `json:"warnings"`
	}
	err := cmd.withClient(ctx, func(api *client) error {
		return api.post(ctx, path("access-explanations"), asked, &answer, callTimeout)
	})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(c.out, answer.Text); err != nil {
		return err
	}
	for _, w := range answer.Warnings {
		if _, err := fmt.Fprintln(c.err, "waybill:", w); err != nil {
			return err
		}
	}
	if !answer.Allowed {
		return fmt.Errorf("user %s may not do %s", cmd.User, cmd.Action)
	}
	return nil
}
