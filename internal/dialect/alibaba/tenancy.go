package alibaba

import (
	"crypto/subtle"
	"net/http"
	"slices"

	"waybill"
)

var (
	errUnsubscribed = &vendorError{
		status: http.StatusBadRequest, code: "Product.Unsubscript",
		message: "You have not subscribed to the specified product.",
	}
	errOwner = &vendorError{
		status: http.StatusBadRequest, code: "Unknown.ResourceOwnerId",
		message: "The resource does not belong to the current user.",
	}
)

// channels returns the channels that the call is about: that of CustSpaceId, or
// without one all of the caller's own account. CustSpaceId and IsvCode are for
// ISVs, which operate channels for others and prove their mandate for each with
// its code.
func (c *invocation) channels() ([]waybill.Channel, error) {
	account, ok := c.view.Account(c.account)
	if !ok || !slices.Contains(account.Products, product) {
		return nil, errUnsubscribed
	}
	id, code := c.params.get("CustSpaceId"), c.params.get("IsvCode")
	if code != "" && !c.mandated(code) {
		return nil, errDenied
	}
	if id == "" {
		return slices.DeleteFunc(slices.Clone(c.view.ChannelsOf(c.account)), otherProvider), nil
	}
	channel, ok := c.view.Channel(id)
	switch {
	case !ok || otherProvider(channel) || !channel.Writable(c.account):
		return nil, errOwner
	case channel.Account != c.account && !sameCode(channel.ISVCode, code):
		return nil, errDenied
	}
	return []waybill.Channel{channel}, nil
}

// mandated reports whether the code is that of any channel that the caller's
// account operates as an ISV. No other account has a code to give.
func (c *invocation) mandated(code string) bool {
	return slices.ContainsFunc(c.view.Channels(), func(ch waybill.Channel) bool {
		return ch.ISV == c.account && !otherProvider(ch) && sameCode(ch.ISVCode, code)
	})
}

// sameCode compares in a time that tells nothing of the code. A channel without
// one has none to be sent.
func sameCode(standing, given string) bool {
	return standing != "" && subtle.ConstantTimeCompare([]byte(standing), []byte(given)) == 1
}

func otherProvider(c waybill.Channel) bool { return c.Provider != waybill.ProviderChatapp }
