package meta

import (
	"context"
	"slices"

	"waybill"
	"waybill/internal/dialect/meta/fields"
)

// nodeType is what Graph calls a WhatsApp Business Account in its errors.
const nodeType = "WhatsAppBusinessAccount"

// defaultFields are what a call without fields gets.
var defaultFields = []fields.Field{
	{Name: "id"}, {Name: "name"}, {Name: "timezone_id"}, {Name: "message_template_namespace"},
}

// unknownFields are fields that Meta's node has and of which Waybill knows
// nothing. Graph leaves out a field without a value, and so do we.
//
// https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account
var unknownFields = []string{
	"account_review_status", "auth_international_rate_eligibility", "business_verification_status",
	"country", "creation_time", "health_status", "is_enabled_for_insights", "is_shared_with_partners",
	"linked_commerce_account", "marketing_messages_lite_api_status", "marketing_messages_onboarding_status",
	"on_behalf_of_business_info", "owner_business", "owner_business_info", "ownership_type",
	"primary_business_location", "primary_funding_id", "purchase_order_number", "status",
	"whatsapp_business_manager_messaging_limit",
}

// unservedFields are analytics that are not answered yet. To leave them out as
// if there were no data would be a wrong answer.
var unservedFields = []string{
	"call_analytics", "conversation_analytics", "pricing_analytics", "template_analytics",
	"template_group_analytics", "group_analytics",
}

// readNode answers a read of fields of a WhatsApp Business Account.
func (a *API) readNode(ctx context.Context, token waybill.Token, node waybill.Channel, params parameters) (any, error) {
	if err := require(token, scopeManagement); err != nil {
		return nil, err
	}
	list, err := fields.Parse(params.value("fields"))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		list = defaultFields
	}
	if n := series(list); n > maxSeries {
		return nil, errParam("The call asks for analytics %d times, more than %d", n, maxSeries)
	}
	var out object
	for _, f := range list {
		value, err := a.nodeField(ctx, token, node, f)
		if err != nil {
			return nil, err
		}
		out.add(f, value)
	}
	if !out.has("id") {
		out = append(out, member{"id", node.ID})
	}
	return out, nil
}

// maxSeries is how many series one call may ask for, under aliases: each is a
// query of its own, and the call counts once against the limit of calls.
const maxSeries = 20

func series(list []fields.Field) int {
	n := 0
	for _, f := range list {
		if f.Name == "analytics" {
			n++
		}
	}
	return n
}

// nodeField returns the value of one field, nil where there is none.
func (a *API) nodeField(ctx context.Context, token waybill.Token, node waybill.Channel, f fields.Field) (any, error) {
	if f.Name == "analytics" {
		if err := require(token, scopeManagement, scopeMessaging); err != nil {
			return nil, err
		}
		return a.analytics(ctx, node, f)
	}
	if read, ok := scalarFields[f.Name]; ok {
		if text := read(&node); text != "" {
			return pickValue(text, f)
		}
		return pickValue(nil, f)
	}
	switch {
	case slices.Contains(unknownFields, f.Name):
		return nil, nil
	case slices.Contains(unservedFields, f.Name):
		return nil, errParam("Field %s is not served", f.Name)
	}
	return nil, errNoField(f.Name, nodeType)
}

var scalarFields = map[string]func(*waybill.Channel) string{
	"id":       func(c *waybill.Channel) string { return c.ID },
	"currency": func(c *waybill.Channel) string { return c.Currency },
	"message_template_namespace": func(c *waybill.Channel) string {
		return c.Namespace
	},
	"name": func(c *waybill.Channel) string {
		if c.Name == "" {
			return c.ID
		}
		return c.Name
	},
	"timezone_id": func(c *waybill.Channel) string { return timezoneIDs[c.Zone.String()] },
}

// timezoneIDs are Meta's numbers of zones, as far as they are known. Meta
// publishes no list for WhatsApp.
var timezoneIDs = map[string]string{
	"America/Los_Angeles": "1",
	"Asia/Kolkata":        "71",
	"Asia/Karachi":        "105",
	"UTC":                 "474",
	"Etc/UTC":             "474",
}
