package meta

import (
	"context"

	"waybill"
)

// phoneKind is a phone number of a WhatsApp Business Account.
var phoneKind = &nodeKind{
	name:     "WhatsAppBusinessPhoneNumber",
	defaults: names("display_phone_number", "id"),
	fields: map[string]readField{
		"id":                   scalar(func(n *node) any { return n.id }),
		"display_phone_number": scalar(func(n *node) any { return "+" + n.phone }),
	},
	unknown: []string{
		"account_mode", "certificate", "code_verification_status", "conversational_automation",
		"eligibility_for_api_business_global_search", "health_status", "is_official_business_account",
		"is_on_biz_app", "is_pin_enabled", "is_preverified_number", "last_onboarded_time",
		"messaging_limit_tier", "name_status", "new_certificate", "new_display_name", "new_name_status",
		"platform_type", "quality_rating", "quality_score", "search_visibility", "status", "throughput",
		"username", "verified_name", "webhook_configuration", "whatsapp_business_manager_messaging_limit",
	},
}

// phoneNode returns a number of c. Where Meta's ID of it is not known, its digits
// stand for that, so that every number can be named.
func phoneNode(c waybill.Channel, number string) *node {
	id := c.SenderIDs[number]
	if id == "" {
		id = number
	}
	return &node{kind: phoneKind, id: id, channel: c, phone: number}
}

// phonesOf lists the numbers of an account. All of them are live: Waybill has no
// numbers for testing.
func (a *API) phonesOf(ctx context.Context, s *session, n *node, in *input) (elements, error) {
	live, err := in.accountMode()
	if err != nil || !live {
		return elements{}, err
	}
	numbers, err := a.phonesInScope(ctx, n.channel, nil)
	return elements{
		count: len(numbers),
		key:   func(i int) string { return numbers[i] },
		node:  func(i int) *node { return phoneNode(n.channel, numbers[i]) },
	}, err
}
