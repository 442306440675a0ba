package rest

import (
	"context"
	"net/http"
	"time"

	"waybill"
)

// temporaryKeyRequest is the body of a call for a temporary access key.
type temporaryKeyRequest struct {
	Account string `json:"account" doc:"ID of the account." example:"1234567890123456"`
	User    string `json:"user" doc:"Name of a user of the account." example:"reporter"`
	Seconds *int64 `json:"duration_seconds,omitempty" minimum:"1" maximum:"43200" doc:"How long the key is good for; an hour where it is left out." example:"3600"`
}

type temporaryKeyParams struct {
	Body temporaryKeyRequest `body:""`
}

// A TemporaryKey is a temporary access key in the words of Alibaba Cloud's STS.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerole
type TemporaryKey struct {
	AccessKeyID     string `json:"AccessKeyId" doc:"The ID to sign with." example:"STS.LTAI0000"`
	AccessKeySecret string `json:"AccessKeySecret" doc:"The secret to sign with." example:"9a8b7c"`
	SecurityToken   string `json:"SecurityToken" doc:"Sent with every signed call." example:"CAIS0000"`
	Expiration      string `json:"Expiration" format:"date-time" doc:"When it ends." example:"2026-11-20T13:00:00Z"`
}

// Bounds of the life of a temporary key, in seconds.
const (
	temporaryKeyLife    = 60 * 60
	maxTemporaryKeyLife = 12 * 60 * 60
)

// postTemporaryKey issues a temporary access key of a user. An account's own
// token with the scope admin may do so for the users of its account.
func (a *API) postTemporaryKey(_ context.Context, c *call, p *temporaryKeyParams) (TemporaryKey, error) {
	asked := &p.Body
	seconds := int64(temporaryKeyLife)
	if asked.Seconds != nil {
		seconds = *asked.Seconds
	}
	if seconds < 1 || seconds > maxTemporaryKeyLife {
		return TemporaryKey{}, waybill.Errorf(waybill.Invalid, "duration_seconds %d is not between 1 and %d", seconds, maxTemporaryKeyLife)
	}
	path := userPath{accountPath{asked.Account}, asked.User}
	if _, _, err := a.userOf(c, &path); err != nil {
		return TemporaryKey{}, err
	}
	life := time.Duration(seconds) * time.Second
	if err := mayMakeKeys(c, asked.User, a.opt.Now().Add(life)); err != nil {
		return TemporaryKey{}, err
	}
	return a.opt.TemporaryKey(asked.Account, asked.User, life)
}

func keyRoutes() []route {
	return []route{{
		method: http.MethodPost, pattern: "/temporary-keys", scope: waybill.ScopeAdmin,
		id: "postTemporaryKey", tag: tagKeys, summary: "Issue a temporary access key of a user",
		doc:       "As AssumeRole of Alibaba Cloud's STS. An account's own token may do so for the users of its account. The key lasts no longer than the token.",
		operation: does((*API).postTemporaryKey),
		example:   `{"AccessKeyId":"STS.LTAI0000","AccessKeySecret":"9a8b7c","SecurityToken":"CAIS0000","Expiration":"2026-11-20T13:00:00Z"}`,
		errors:    []int{http.StatusNotFound},
	}}
}
