package meta

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"waybill"
	"waybill/internal/dialect"
)

// templateKind is a message template, which Meta has called a highly structured
// message.
//
// https://developers.facebook.com/docs/graph-api/reference/whats-app-business-hsm/
var templateKind = &nodeKind{
	name:     "WhatsAppBusinessHSM",
	defaults: names("name", "components", "language", "status", "category", "id"),
	fields: map[string]readField{
		"id":            scalar(func(n *node) any { return n.id }),
		"name":          scalar(func(n *node) any { return n.template.Name }),
		"language":      scalar(func(n *node) any { return n.template.Language }),
		"status":        scalar(func(n *node) any { return n.template.Status }),
		"category":      scalar(func(n *node) any { return n.template.Category }),
		"components":    componentShape.reader(func(n *node) any { return components(n.template.Buttons) }),
		"quality_score": scoreShape.reader(func(n *node) any { return qualityScore(n.template.Quality) }),
		"cta_url_link_tracking_opted_out": scalar(func(n *node) any {
			return n.template.LinkTrackingOptedOut
		}),
	},
	unknown: []string{
		"bid_spec", "correct_category", "creative_sourcing_spec", "degrees_of_freedom_spec", "display_format",
		"is_primary_device_delivery_only", "last_updated_time", "library_template_name",
		"message_send_ttl_seconds", "parameter_format", "previous_category", "rejected_reason",
		"rejection_info", "sub_category",
	},
	update: (*API).updateTemplate,
}

var (
	scoreShape     = flat("WhatsAppMessageTemplateQualityScore", "score")
	componentShape = &shape{"WhatsAppMessageTemplateComponent", map[string]*shape{
		"type": nil, "buttons": flat("WhatsAppMessageTemplateButton", "type", "text"),
	}}
)

func templateNode(c waybill.Channel, t waybill.Template) *node {
	return &node{kind: templateKind, id: t.Code, channel: c, template: t}
}

// componentTypes are the buttons as Meta's templates call them, by the name that
// its analytics have for them.
var componentTypes = map[string]string{
	"quick_reply_button": "QUICK_REPLY", "url_button": "URL", "phone_number_button": "PHONE_NUMBER",
}

// components returns what is known of a template's components: its buttons.
func components(buttons []waybill.Button) any {
	var list []object
	for _, b := range buttons {
		if kind, ok := componentTypes[b.Type]; ok {
			list = append(list, object{{"type", kind}, {"text", b.Text}})
		}
	}
	if list == nil {
		return nil
	}
	return []object{{{"type", "BUTTONS"}, {"buttons", list}}}
}

func qualityScore(score string) any {
	if score == "" {
		return nil
	}
	return object{{"score", score}}
}

// templatesOf lists the templates of an account that pass the filters of the
// call, one for each language.
func templatesOf(_ *API, _ context.Context, s *session, n *node, in *input) (elements, error) {
	var filters []func(*waybill.Template) bool
	for name, value := range templateFilters {
		words, err := in.words(name)
		if err != nil {
			return elements{}, err
		}
		if len(words) > 0 {
			filters = append(filters, func(t *waybill.Template) bool { return hasWord(words, value(t)) })
		}
	}
	list := s.view.Templates(n.channel.ID)
	if len(filters) > 0 {
		list = slices.DeleteFunc(slices.Clone(list), func(t waybill.Template) bool {
			return slices.ContainsFunc(filters, func(passes func(*waybill.Template) bool) bool { return !passes(&t) })
		})
	}
	return elements{
		count: len(list),
		key:   func(i int) string { return list[i].Code + "\x00" + list[i].Language },
		node:  func(i int) *node { return templateNode(n.channel, list[i]) },
	}, nil
}

// templateFilters are the parameters that select templates.
var templateFilters = map[string]func(*waybill.Template) string{
	"name":          func(t *waybill.Template) string { return t.Name },
	"language":      func(t *waybill.Template) string { return t.Language },
	"status":        func(t *waybill.Template) string { return t.Status },
	"category":      func(t *waybill.Template) string { return t.Category },
	"quality_score": func(t *waybill.Template) string { return t.Quality },
}

// hasWord reports whether word is one of words, whatever their case.
func hasWord(words []string, word string) bool {
	for _, w := range words {
		if strings.EqualFold(strings.TrimSpace(w), word) {
			return true
		}
	}
	return false
}

// updateTemplate opts a template out of link tracking or in again, which is all
// that can be changed. The category, which Meta wants beside it, must be what
// the template has.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/analytics/
func (a *API) updateTemplate(ctx context.Context, s *session, n *node) (any, error) {
	const optedOut = "cta_url_link_tracking_opted_out"
	if !s.params.has(optedOut) {
		return nil, errObject("post", n.id)
	}
	out, err := s.truthOf(optedOut)
	if err != nil {
		return nil, err
	}
	category := strings.TrimSpace(s.params.value("category"))
	if known := n.template.Category; category != "" && known != "" && !strings.EqualFold(category, known) {
		return nil, errParam("Param category must be the one of the template, %s, which a call cannot change - got %q",
			known, category)
	}
	if err := a.directory.SetLinkTracking(ctx, n.channel.ID, n.id, out); err != nil {
		return nil, asGone(err, "post", n.id)
	}
	dialect.SetLogAttr(ctx, slog.String("template", n.id))
	return object{{"success", true}}, nil
}
