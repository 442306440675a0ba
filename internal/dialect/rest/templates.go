package rest

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json"

	"waybill"
	"waybill/internal/directory"
)

// shownTemplate is a template as this API answers it.
type shownTemplate struct {
	Channel  string   `json:"channel" doc:"ID of the channel." example:"cams-demo"`
	Code     string   `json:"code" doc:"The vendor's ID of the template." example:"1100"`
	Language string   `json:"language" doc:"The language." example:"en"`
	Name     string   `json:"name,omitempty" doc:"The vendor's name of it." example:"spring_sale"`
	Category string   `json:"category,omitempty" doc:"The vendor's category." example:"MARKETING"`
	Status   string   `json:"status,omitempty" doc:"As webhooks last said." example:"APPROVED"`
	Quality  string   `json:"quality,omitempty" doc:"As webhooks last said." example:"GREEN"`
	Buttons  []button `json:"buttons" doc:"Its buttons, in order."`
	OptedOut bool     `json:"link_tracking_opted_out" doc:"Whether its links are not tracked."`
}

func newShownTemplate(t waybill.Template) shownTemplate {
	return shownTemplate{
		Channel: t.Channel, Code: t.Code, Language: t.Language, Name: t.Name, Category: t.Category,
		Status: t.Status, Quality: t.Quality, OptedOut: t.LinkTrackingOptedOut,
		Buttons: each(t.Buttons, func(b waybill.Button) button { return button{b.Type, b.Text} }),
	}
}

type templatesParams struct {
	channelPath
	pageParams
}

type templatePage struct {
	Templates []shownTemplate `json:"templates" doc:"Ordered by code and language."`
	Next      string          `json:"next,omitempty" doc:"To be passed as after; absent on the last page." example:"MTEwMABlbg"`
}

// listTemplates answers what the directory knows of the templates of a channel.
func (a *API) listTemplates(_ context.Context, c *call, p *templatesParams) (templatePage, error) {
	ch, err := a.channelOf(c, p.Channel)
	if err != nil {
		return templatePage{}, err
	}
	list := a.opt.Directory.View().Templates(ch.ID)
	items, next, err := page(list, func(t waybill.Template) string { return t.Code + "\x00" + t.Language }, p.pageParams)
	return templatePage{each(items, newShownTemplate), next}, err
}

// templatePath names one language of a template.
type templatePath struct {
	channelPath
	Code     string `path:"code" doc:"The vendor's ID of the template." example:"1100"`
	Language string `query:"language" required:"true" doc:"The language." example:"en"`
}

func (p *templatePath) ref() directory.Ref {
	return directory.TemplateRef(p.Channel, p.Code, p.Language)
}

// getTemplate answers one language of a template.
func (a *API) getTemplate(_ context.Context, c *call, p *templatePath) (shownTemplate, error) {
	if _, err := a.channelOf(c, p.Channel); err != nil {
		return shownTemplate{}, err
	}
	view := a.opt.Directory.View()
	t, ok := view.Template(p.Channel, p.Code, p.Language)
	if !ok {
		return shownTemplate{}, waybill.Errorf(waybill.NotFound, "template %s of channel %s has no language %s", cut(p.Code), cut(p.Channel), cut(p.Language))
	}
	c.version(view.Version(p.ref()))
	return newShownTemplate(t), nil
}

// templateBody says what a template shall be.
type templateBody struct {
	Name     string    `json:"name,omitzero" doc:"The vendor's name of it; left out it stays." example:"spring_sale"`
	Category string    `json:"category,omitzero" enum:"AUTHENTICATION,MARKETING,UTILITY" doc:"The vendor's category; left out it stays." example:"MARKETING"`
	Buttons  *[]button `json:"buttons,omitzero" doc:"Its buttons, in order; left out they stay."`
	OptedOut *bool     `json:"link_tracking_opted_out,omitzero" doc:"Whether its links are not tracked; left out it stays."`
}

type putTemplateParams struct {
	templatePath
	Body templateBody `body:""`
}

// putTemplate writes what is known of a template. As in a directory document,
// what is left out stays, and later webhooks stand over it.
func (a *API) putTemplate(ctx context.Context, c *call, p *putTemplateParams) (shownTemplate, error) {
	if _, err := a.channelOf(c, p.Channel); err != nil {
		return shownTemplate{}, err
	}
	if err := a.put(ctx, c, p.ref(), p.Body); err != nil {
		return shownTemplate{}, err
	}
	return a.getTemplate(ctx, c, &p.templatePath)
}

// deleteTemplate forgets what is known of a template. Its messages stay, and
// webhooks may teach of it again.
func (a *API) deleteTemplate(ctx context.Context, c *call, p *templatePath) (nothing, error) {
	if _, err := a.channelOf(c, p.Channel); err != nil {
		return nothing{}, err
	}
	return nothing{}, a.remove(ctx, c, p.ref())
}

// put makes an object what body says, if the conditions of the call hold.
func (a *API) put(ctx context.Context, c *call, r directory.Ref, body any) error {
	cond, err := conditionOf(c)
	if err != nil {
		return err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	c.created, err = a.opt.Directory.Put(ctx, r, text, cond)
	return changeError(err)
}

// remove deletes an object, if the conditions of the call hold.
func (a *API) remove(ctx context.Context, c *call, r directory.Ref) error {
	cond, err := conditionOf(c)
	if err != nil {
		return err
	}
	return changeError(a.opt.Directory.Delete(ctx, r, cond))
}

const templatesPattern, templatePattern = "/channels/{channel}/templates", "/channels/{channel}/templates/{code}"

func templateRoutes() []route {
	const example = `{"channel":"cams-demo","code":"1100","language":"en","name":"spring_sale","category":"MARKETING",` +
		`"buttons":[{"type":"quick_reply_button","text":"Yes"}],"link_tracking_opted_out":false}`
	return []route{{
		method: http.MethodGet, pattern: templatesPattern, scope: waybill.ScopeMetricsRead,
		id: "listTemplates", tag: tagDirectory, summary: "List the templates of a channel",
		doc:       "What documents, calls and webhooks have told of them.",
		operation: does((*API).listTemplates),
		example:   `{"templates":[` + example + `]}`, errors: []int{http.StatusNotFound},
	}, {
		method: http.MethodGet, pattern: templatePattern, scope: waybill.ScopeMetricsRead,
		id: "getTemplate", tag: tagDirectory, summary: "Get a language of a template",
		operation: does((*API).getTemplate), example: example, errors: []int{http.StatusNotFound},
	}, {
		method: http.MethodPut, pattern: templatePattern, scope: waybill.ScopeAdmin, conditional: true,
		id: "putTemplate", tag: tagDirectory, summary: "Write a language of a template",
		doc:       "What is left out stays. Later webhooks stand over what is written.",
		operation: does((*API).putTemplate), example: example,
		errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
	}, {
		method: http.MethodDelete, pattern: templatePattern, scope: waybill.ScopeAdmin, conditional: true,
		id: "deleteTemplate", tag: tagDirectory, summary: "Forget a language of a template",
		doc:       "Its messages stay, and webhooks may tell of it again.",
		operation: does((*API).deleteTemplate),
		errors:    []int{http.StatusNotFound},
	}}
}
