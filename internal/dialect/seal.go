package dialect

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// maxSealed bounds the tokens that are opened at all, in bytes.
const maxSealed = 4 << 10

// A Seal makes and opens tokens that say themselves what they are good for:
// nothing is stored, and every server with the same key takes them. They are
// encrypted, so that their bearers can neither read nor change them. All methods
// can be called concurrently.
type Seal struct{ aead cipher.AEAD }

// NewSeal returns the Seal of an installation's key for one purpose. Tokens of
// another purpose do not open.
func NewSeal(key [32]byte, purpose string) (*Seal, error) {
	derived, err := hkdf.Key(sha256.New, key[:], nil, purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key of %s: %w", purpose, err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", purpose, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", purpose, err)
	}
	return &Seal{aead}, nil
}

// Make returns a token that says claims, as JSON, and begins with prefix. The
// prefix is authenticated along: a token of one kind never passes for another.
func (s *Seal) Make(prefix string, claims any) (string, error) {
	plain, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode a token: %w", err)
	}
	return prefix + base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, []byte(prefix))), nil
}

// Open reads what a token says that Make returned for the same prefix, and
// reports whether it is one.
func (s *Seal) Open(prefix, token string, claims any) bool {
	text, ok := strings.CutPrefix(token, prefix)
	if !ok || len(text) > maxSealed {
		return false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return false
	}
	plain, err := s.aead.Open(nil, nil, sealed, []byte(prefix))
	return err == nil && json.Unmarshal(plain, claims) == nil
}
