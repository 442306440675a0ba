package meta

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
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
func signatureOf(h http.Header) (sum [sha256.Size]byte, ok bool) {
	values := h["X-Hub-Signature-256"]
	if len(values) != 1 {
		return sum, false
	}
	signature, ok := strings.CutPrefix(values[0], "sha256=")
	if !ok || len(signature) != hex.EncodedLen(sha256.Size) {
		return sum, false
	}
	var text [2 * sha256.Size]byte
	copy(text[:], signature)
	_, err := hex.Decode(sum[:], text[:])
	return sum, err == nil
}

// signed reports whether signature is that of body under one of the app's
// secrets. It hashes the bytes as they came: the same JSON written in another
// way has another signature.
func (h *Webhook) signed(app waybill.App, body []byte, signature [sha256.Size]byte) bool {
	valid := 0
	for _, secret := range app.Secrets[:min(len(app.Secrets), maxSecrets)] {
		if secret != "" {
			sum := h.sign(secret, body)
			valid |= subtle.ConstantTimeCompare(sum[:], signature[:])
		}
	}
	return valid == 1
}

// A signer makes signatures under one secret. To make a new one takes longer than to
// hash a small body.
type signer struct {
	secret string
	mac    hash.Hash
	sum    []byte
}

func (h *Webhook) sign(secret string, body []byte) (sum [sha256.Size]byte) {
	s, ok := h.signers.Get().(*signer)
	if !ok || s.secret != secret {
		s = &signer{secret: secret, mac: hmac.New(sha256.New, []byte(secret))}
	}
	s.mac.Reset()
	s.mac.Write(body)
	s.sum = s.mac.Sum(s.sum[:0])
	copy(sum[:], s.sum)
	h.signers.Put(s)
	return sum
}

// sameToken compares two verify tokens without telling by its time how much of
// them agrees, or how long they are. An empty token is never the same.
func sameToken(have, given string) bool {
	a, b := sha256.Sum256([]byte(have)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && have != ""
}
