package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// keyFlags say whose keys they are.
type keyFlags struct {
	Account string `env:"-" help:"ID of the account." required:"" placeholder:"ID"`
	User    string `env:"-" help:"Name of a user of the account: access keys are of one." placeholder:"NAME"`
}

func (f *keyFlags) accessKeys() string {
	return path("accounts", f.Account, "users", f.User, "access-keys")
}

func (f *keyFlags) tokens() string { return path("accounts", f.Account, "tokens") }

type keysAddCmd struct {
	clientFlags `embed:""`
	keyFlags    `embed:""`

	Name    string   `env:"-" help:"Make a token of this name, and not an access key." placeholder:"NAME"`
	Scope   []string `env:"-" help:"What the token is good for, such as metrics:read." placeholder:"SCOPE"`
	Channel []string `env:"-" help:"Channels that the token is limited to." sep:"none" placeholder:"ID"`
	Life    days     `env:"-" help:"How long the token is good for; 0d is for ever." default:"0d" placeholder:"DAYS"`
}

// Help has the examples.
func (*keysAddCmd) Help() string {
	return `The secret is printed once and cannot be shown again.

Examples:
  waybill keys add --account 1234567890123456 --user reporter
  waybill keys add --account 1234567890123456 --name dashboard --scope metrics:read --life 90d`
}

// Run prints the key in JSON, with its secret.
func (cmd *keysAddCmd) Run(ctx context.Context, c console) error {
	calls, body := cmd.accessKeys(), any(nil)
	switch {
	case cmd.Name != "":
		if len(cmd.Scope) == 0 {
			return errors.New("a token without a scope is good for nothing: give --scope, such as metrics:read or events:write")
		}
		token := map[string]any{"name": cmd.Name, "scopes": cmd.Scope}
		if len(cmd.Channel) > 0 {
			token["channels"] = cmd.Channel
		}
		if cmd.User != "" {
			token["user"] = cmd.User
		}
		if cmd.Life > 0 {
			token["expires"] = time.Now().UTC().AddDate(0, 0, int(cmd.Life)).Format(time.RFC3339)
		}
		calls, body = cmd.tokens(), token
	case cmd.User == "":
		return errors.New("give --user for an access key of that user, or --name and --scope for a token")
	case len(cmd.Scope)+len(cmd.Channel) > 0 || cmd.Life > 0:
		return errors.New("--scope, --channel and --life are of tokens: give --name, too")
	}
	var made json.RawMessage
	err := cmd.withClient(ctx, func(api *client) error { return api.post(ctx, calls, body, &made, callTimeout) })
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s\n", made)
	return err
}

type keysListCmd struct {
	clientFlags `embed:""`
	keyFlags    `embed:""`

	Format string `env:"-" help:"How they are printed: ${enum}." enum:"table,json" default:"table"`
}

// A listedKey is an access key or a token.
type listedKey struct {
	Kind     string   `json:"kind"` // access key, token
	Name     string   `json:"name"`
	User     string   `json:"user,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`
	Channels []string `json:"channels,omitempty"`
	Expires  string   `json:"expires,omitempty"`
	Disabled bool     `json:"disabled,omitempty"`
}

// Run prints the keys of an account, or of one user, without their secrets.
func (cmd *keysListCmd) Run(ctx context.Context, c console) error {
	keys := []listedKey{}
	err := cmd.withClient(ctx, func(api *client) error {
		if err := cmd.listAccessKeys(ctx, api, &keys); err != nil {
			return err
		}
		return cmd.listTokens(ctx, api, &keys)
	})
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		return json.NewEncoder(c.out).Encode(keys)
	}
	rows := [][]string{{"KIND", "NAME", "USER", "SCOPES", "CHANNELS", "STATE"}}
	for _, k := range keys {
		state := "good"
		switch {
		case k.Disabled:
			state = "disabled"
		case k.Expires != "":
			state = "until " + k.Expires
		}
		rows = append(rows, []string{k.Kind, k.Name, k.User, strings.Join(k.Scopes, ","), strings.Join(k.Channels, ","), state})
	}
	return writeColumns(c.out, rows)
}

func (cmd *keysListCmd) listAccessKeys(ctx context.Context, api *client, to *[]listedKey) error {
	return eachPage(ctx, api, path("accounts", cmd.Account, "users"), nil, func(text []byte) (string, error) {
		var p struct {
			Users []struct {
				User       string `json:"user"`
				AccessKeys []struct {
					ID       string `json:"access_key"`
					Disabled bool   `json:"disabled"`
				} `json:"access_keys"`
			} `json:"users"`
			Next string `json:"next"`
		}
		err := json.Unmarshal(text, &p)
		for _, u := range p.Users {
			for _, k := range u.AccessKeys {
				if cmd.User == "" || cmd.User == u.User {
					*to = append(*to, listedKey{Kind: "access key", Name: k.ID, User: u.User, Disabled: k.Disabled})
				}
			}
		}
		return p.Next, err
	})
}

func (cmd *keysListCmd) listTokens(ctx context.Context, api *client, to *[]listedKey) error {
	return eachPage(ctx, api, cmd.tokens(), nil, func(text []byte) (string, error) {
		var p struct {
			Tokens []listedKey `json:"tokens"`
			Next   string      `json:"next"`
		}
		err := json.Unmarshal(text, &p)
		for _, t := range p.Tokens {
			if t.Kind = "token"; cmd.User == "" || cmd.User == t.User {
				*to = append(*to, t)
			}
		}
		return p.Next, err
	})
}

// eachPage calls for one page of a list after the other. take returns where the
// next one begins, empty at the end.
func eachPage(ctx context.Context, api *client, path string, query url.Values, take func(page []byte) (next string, err error)) error {
	asked := url.Values{}
	for name, values := range query {
		asked[name] = values
	}
	for {
		var text json.RawMessage
		if err := api.get(ctx, path, asked, &text); err != nil {
			return err
		}
		next, err := take(text)
		if err != nil || next == "" {
			return err
		}
		asked.Set("after", next)
	}
}

type keysRevokeCmd struct {
	clientFlags `embed:""`
	keyFlags    `embed:""`

	Names []string `arg:"" help:"IDs of access keys of --user, or without --user names of tokens." placeholder:"KEY"`
}

// Run deletes the keys one after the other.
func (cmd *keysRevokeCmd) Run(ctx context.Context, c console) error {
	list := cmd.tokens()
	if cmd.User != "" {
		list = cmd.accessKeys()
	}
	return cmd.withClient(ctx, func(api *client) error {
		for _, name := range cmd.Names {
			if err := api.do(ctx, http.MethodDelete, list+"/"+url.PathEscape(name), nil, nil, callTimeout); err != nil {
				return err
			}
			if _, err := fmt.Fprintf(c.out, "revoked %s\n", name); err != nil {
				return err
			}
		}
		return nil
	})
}
