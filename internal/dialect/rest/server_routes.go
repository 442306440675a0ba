package rest

import (
	"context"
	"encoding/json"
	"net/http"
)

// versionAnswer is the version of the program.
type versionAnswer struct {
	Version string `json:"version" doc:"Version of the program that answers." example:"1.2.3"`
}

func (a *API) version(context.Context, *call, *nothing) (versionAnswer, error) {
	return versionAnswer{a.opt.Version}, nil
}

func (a *API) openAPI(context.Context, *call, *nothing) (json.RawMessage, error) {
	return a.document()
}

func serverRoutes() []route {
	return []route{
		{
			method: http.MethodPost, pattern: "/directory", operator: true,
			id: "postDirectory", tag: tagServer, summary: "Apply a directory of tenants",
			doc: "The body is the directory in YAML, or an object with it and the values of its variables. The answer lists what " +
				"changed. `waybill apply --url` calls it.",
			operation: does((*API).postDirectory),
			reads: &reading{
				kinds: []string{"application/yaml", "application/json"}, object: variablesDocument{}, text: true,
				example: "accounts:\n  - {id: \"1234567890123456\", name: Acme}\n",
			},
			example: `{"changes":["+ account 1234567890123456"],"applied":true}`,
			errors:  []int{http.StatusConflict, http.StatusUnprocessableEntity},
		},
		{
			method: http.MethodPost, pattern: "/erasures", operator: true,
			id: "postErasure", tag: tagServer, summary: "Forget a recipient",
			doc: "The IDs of the messages to the recipient, in all channels, and the recipient are forgotten for good. The " +
				"messages count on. Backups keep what they have.",
			operation: does((*API).postErasure),
			example:   `{"messages":12}`,
		},
		{
			method: http.MethodPost, pattern: "/backups", operator: true,
			id: "postBackup", tag: tagServer, summary: "Copy the store to a new directory of the server",
			doc:       "The copy is the store as it is at one moment. `waybill backup --url` calls it.",
			operation: does((*API).postBackup),
			example:   `{"directory":"/var/backups/waybill-1"}`,
			errors:    []int{http.StatusConflict},
		},
		{
			method: http.MethodGet, pattern: "/version",
			id: "getVersion", tag: tagServer, summary: "The version of the program",
			operation: does((*API).version),
			example:   `{"version":"1.2.3"}`,
		},
		{
			method: http.MethodGet, pattern: "/openapi.json", open: true,
			id: "getOpenAPI", tag: tagServer, summary: "This document",
			operation: does((*API).openAPI),
			example:   `{"openapi":"3.1.0","info":{"title":"Waybill","version":"1.2.3"},"paths":{}}`,
		},
	}
}
