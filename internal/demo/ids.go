package demo

import (
	crypto "crypto/rand"
	"encoding/base64"
	"math/rand/v2"
)

// ids are the names under which the vendors know the business.
type ids struct {
	account, foreign string // accounts
	app              string
	shop, clinic     string // WhatsApp Business Accounts
	airline          string // ChatApp channel
	page             string // MoMo Business Page
}

func newIDs(seed uint64) ids {
	return ids{
		account: leading("1", 16, seed, "account"),
		foreign: leading("1", 16, seed, "foreign account"),
		app:     leading("123456789", 15, seed, "app"),
		shop:    leading("1", 15, seed, "shop"),
		clinic:  leading("2", 15, seed, "clinic"),
		airline: "cams-demo" + digits(8, seed, "airline"),
		page:    "13" + digits(4, seed, "page"),
	}
}

// digits returns n digits that follow from the other arguments.
func digits(n int, seed uint64, parts ...any) string {
	text := make([]byte, n)
	for i, h := 0, hash(seed, parts...); i < n; i++ {
		text[i] = '0' + byte(h%10)
		h = mix(h)
	}
	return string(text)
}

// leading returns n digits of which the first is one of those given.
func leading(first string, n int, seed uint64, parts ...any) string {
	h := hash(seed, append(parts, "first")...)
	return first[h%uint64(len(first)):][:1] + digits(n-1, seed, parts...)
}

// whatsappID returns the ID of a WhatsApp message: the base64 of a binary form
// that holds the number of the other side and, as text, a hexadecimal serial.
// Messages from people have a longer one than ours.
func whatsappID(r *rand.Rand, number string, inbound bool) string {
	mark, length := byte(0x11), 18
	if inbound {
		mark, length = 0x12, 20
	}
	raw := make([]byte, 0, 64)
	raw = append(raw, 0x1c, 0x18, byte(len(number)))
	raw = append(raw, number...)
	raw = append(raw, 0x15, 0x02, 0x00, mark, 0x18, byte(length))
	raw = append(raw, serial(r, "0123456789ABCDEF", length)...)
	raw = append(raw, 0x00)
	return "wamid." + base64.StdEncoding.EncodeToString(raw)
}

// serial returns n characters of the alphabet.
func serial(r *rand.Rand, alphabet string, n int) []byte {
	text := make([]byte, n)
	for i, bits := 0, uint64(0); i < n; i++ {
		if i%8 == 0 {
			bits = r.Uint64()
		}
		text[i] = alphabet[(bits&0xff)*uint64(len(alphabet))>>8]
		bits >>= 8
	}
	return text
}

// secrets are what the business proves itself with.
type secrets struct {
	keyID, keySecret       string
	graphToken, ownToken   string
	appSecret, verifyToken string
	momoSecret, pageHook   string
	pageToken, pageKey     string
}

// newSecrets makes new secrets in the form that each vendor gives them.
func newSecrets() secrets {
	const hex = "0123456789abcdef"
	const base62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return secrets{
		keyID:       "LTAI5t" + secret(base62, 18),
		keySecret:   secret(base62, 30),
		graphToken:  "EAA" + secret(base62, 120),
		ownToken:    "demo_" + secret(base62, 40),
		appSecret:   secret(hex, 32),
		verifyToken: secret(base62, 24),
		momoSecret:  secret(base62, 40),
		pageHook:    secret(base62, 40),
		pageToken:   secret(base62, 64),
		pageKey:     secret(base62, 40),
	}
}

// secret returns n characters of the alphabet that nobody can guess. The system's
// source of randomness does not fail.
func secret(alphabet string, n int) string {
	text := make([]byte, 0, n)
	limit := 256 - 256%len(alphabet) // above it, some characters would come more often
	for random := make([]byte, n); len(text) < n; {
		crypto.Read(random)
		for _, c := range random {
			if int(c) < limit && len(text) < n {
				text = append(text, alphabet[int(c)%len(alphabet)])
			}
		}
	}
	return string(text)
}
