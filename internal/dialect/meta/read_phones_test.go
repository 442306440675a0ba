package meta_test

import (
	"context"
	"net/http"
	"regexp"
	"testing"
)

// TestNumbersCanBeRead reads each number by the ID that the edge has for it, and
// by its digits.
func TestNumbersCanBeRead(t *testing.T) {
	g := lucky(t)
	g.record(`{"channel": "102290129340410", "message": "a", "status": "sent", "at": "2026-01-15T12:00:00Z", "sender": "16315551009"}
		{"channel": "102290129340400", "message": "a", "status": "sent", "at": "2026-01-15T12:00:00Z", "sender": "493012345679"}`)
	if err := g.directory.LearnSenderIDs(context.Background(), shop, map[string]string{"16315551001": "999000111"}); err != nil {
		t.Fatal(err)
	}
	const read = "?fields=id,display_phone_number"
	list := g.shopGet("/v25.0/" + shop + "/phone_numbers" + read).Body.String()
	phones := regexp.MustCompile(`\{"id":"(\d+)","display_phone_number":"\+(\d+)"\}`).FindAllStringSubmatch(list, -1)
	if len(phones) != 3 {
		t.Fatalf("the edge has %s", list)
	}
	for _, p := range phones {
		wantAnswer(t, g.shopGet("/v25.0/"+p[1]+read), p[0])
		wantAnswer(t, g.shopGet("/v25.0/"+p[2]+read), p[0])
	}
	wantAnswer(t, g.shopGet("/v25.0/?ids=16315551009,16315551001&fields=id"),
		`{"16315551009":{"id":"16315551009"},"16315551001":{"id":"999000111"}}`)
	for _, foreign := range []string{"493012345679", "493012345678", "16315551008"} {
		if w := g.shopGet("/v25.0/" + foreign + read); w.Code != http.StatusBadRequest || failureOf(t, w).Subcode != 33 {
			t.Errorf("%s is answered %d %s", foreign, w.Code, w.Body)
		}
	}
}
