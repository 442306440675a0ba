package meta

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"

	"waybill"
)

// maxSecrets bounds the hashes that a body of a stranger can cost. An app needs
// two secrets while it changes from one to the other.
const maxSecrets = 8

// signatureOf returns the signature that a webhook carries.
//
// https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
func signatureOf(h http.Header) ([]byte, bool) {
	values := h.Values("X-Hub-Signature-256")
	if len(values) != 1 {
		return nil, false
	}
	signature, ok := strings.CutPrefix(values[0], "sha256=")
	if !ok || len(signature) != hex.EncodedLen(sha256.Size) {
		return nil, false
	}
	sum, err := hex.DecodeString(signature)
	return sum, err == nil
}

// signed reports whether signature is that of body under one of the app's
// secrets. It hashes the bytes as they came: the same JSON written in another
// way has another signature.
func signed(app waybill.App, body, signature []byte) bool {
	valid := 0
	for _, secret := range app.Secrets[:min(len(app.Secrets), maxSecrets)] {
		if secret != "" {
			valid |= subtle.ConstantTimeCompare(sign(secret, body), signature)
		}
	}
	return valid == 1
}

func sign(secret string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return mac.Sum(nil)
}

// sameToken compares two verify tokens without telling by its time how much of
// them agrees, or how long they are. An empty token is never the same.
func sameToken(have, given string) bool {
	a, b := sha256.Sum256([]byte(have)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && have != ""
}
