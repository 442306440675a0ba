package meta

import (
	"context"

	"waybill"
)

// accountKind is the WhatsApp Business Account.
//
// https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account
var accountKind = &nodeKind{
	name:     "WhatsAppBusinessAccount",
	defaults: names("id", "name", "timezone_id", "message_template_namespace"),
	fields: map[string]readField{
		"id":        scalar(func(n *node) any { return n.id }),
		"analytics": (*API).analyticsField,
		"currency":  scalar(func(n *node) any { return n.channel.Currency }),
		"is_enabled_for_insights": scalar(func(n *node) any {
			return n.channel.Insights == waybill.InsightsEnabled
		}),
		"message_template_namespace": scalar(func(n *node) any { return n.channel.Namespace }),
		"name": scalar(func(n *node) any {
			if n.channel.Name == "" {
				return n.id
			}
			return n.channel.Name
		}),
		"timezone_id": scalar(func(n *node) any { return timezoneIDs[n.channel.Zone.String()] }),
	},
	unknown: []string{
		"account_review_status", "auth_international_rate_eligibility", "business_verification_status",
		"country", "creation_time", "health_status", "is_shared_with_partners",
		"linked_commerce_account", "marketing_messages_lite_api_status", "marketing_messages_onboarding_status",
		"on_behalf_of_business_info", "owner_business", "owner_business_info", "ownership_type",
		"primary_business_location", "primary_funding_id", "purchase_order_number", "status",
		"whatsapp_business_manager_messaging_limit",
	},
	edges: map[string]edge{
		"message_templates":            {list: templatesOf, node: templateKind},
		"phone_numbers":                {list: (*API).phonesOf, node: phoneKind},
		"template_analytics":           {series: templateSeries},
		"pricing_analytics":            {series: pricingSeries},
		"conversation_analytics":       {series: conversationSeries},
		"template_group_analytics":     {series: templateGroupSeries},
		"group_analytics":              {series: groupSeries},
		"call_analytics":               {series: callSeries},
		"template_performance_metrics": {series: performanceSeries},
	},
	update: (*API).updateAccount,
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

// updateAccount enables the template analytics of an account, which is all that
// can be changed. It cannot be undone by a call. The ID of the answer is text,
// as everywhere in Graph, although Meta's page prints a number.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/analytics/
func (a *API) updateAccount(ctx context.Context, s *session, n *node) (any, error) {
	const insights = "is_enabled_for_insights"
	if !s.params.has(insights) {
		return nil, errObject("post", n.id)
	}
	enable, err := s.truthOf(insights)
	if err != nil {
		return nil, err
	}
	state := n.channel.Insights
	switch {
	case enable:
		if state, err = a.directory.EnableInsights(ctx, n.id); err != nil {
			return nil, asGone(err, "post", n.id)
		}
	case state == waybill.InsightsEnabled:
		return nil, errInsightsStay()
	}
	if state == waybill.InsightsUnavailable {
		return nil, errInsightsUnavailable()
	}
	return object{{"id", n.id}}, nil
}
