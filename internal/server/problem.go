package server

import (
	"net/http"

	"waybill/internal/dialect"
)

// A problem is an answer of the server itself, where no dialect's shape applies.
//
// https://www.rfc-editor.org/rfc/rfc9457
type problem struct {
	Type      string              `json:"type"`
	Title     string              `json:"title"`
	Status    int                 `json:"status"`
	Detail    string              `json:"detail"`
	RequestID string              `json:"request_id"`
	Places    map[string][]string `json:"places,omitempty"`
}

func writeProblem(w http.ResponseWriter, id string, status int, detail string, places map[string][]string) {
	w.Header().Set("Content-Type", "application/problem+json")
	dialect.WriteJSON(w, status, problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: detail, RequestID: id, Places: places,
	})
}
