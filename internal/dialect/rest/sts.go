package rest

import (
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"waybill"
	"waybill/internal/dialect"
)

// temporaryKeyRequest is the body of a call for a temporary access key.
type temporaryKeyRequest struct {
	Account string `json:"account"`
	User    string `json:"user"`
	Seconds int64  `json:"duration_seconds"` // an hour where it is left out
}

const (
	maxTemporaryKeyBody = 16 << 10
	maxTemporaryKeyLife = 12 * 60 * 60 // seconds
)

// postTemporaryKey issues a temporary access key of a user. An account's own
// token with the scope admin may do so for the users of its account.
func (a *API) postTemporaryKey(_ context.Context, c *call) (any, error) {
	body, err := dialect.ReadBody(c.Request, maxTemporaryKeyBody)
	if err != nil {
		return nil, err
	}
	asked := temporaryKeyRequest{Seconds: 60 * 60}
	if err := json.Unmarshal(body, &asked, json.RejectUnknownMembers(true)); err != nil {
		return nil, waybill.Errorf(waybill.Invalid, "the body is not an object with account, user and duration_seconds: %v", err)
	}
	if asked.Seconds < 1 || asked.Seconds > maxTemporaryKeyLife {
		return nil, waybill.Errorf(waybill.Invalid, "duration_seconds %d is not between 1 and %d", asked.Seconds, maxTemporaryKeyLife)
	}
	users := a.opt.Directory.View().Users(asked.Account)
	known := slices.ContainsFunc(users, func(u waybill.User) bool { return u.Name == asked.User })
	if !known || !c.token.Operator() && c.token.Account != asked.Account {
		return nil, waybill.Errorf(waybill.NotFound, "user %s of account %s is unknown", cut(asked.User), cut(asked.Account))
	}
	return a.opt.TemporaryKey(asked.Account, asked.User, time.Duration(asked.Seconds)*time.Second)
}
