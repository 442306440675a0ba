package meta_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"
)

// pacificID is the answer to a call for the ID alone.
const pacificID = `{"id":"102290129340398"}`

// TestTokens sends a token in every way, alone and beside another one. The
// parameter stands over the header, and the body over the query.
func TestTokens(t *testing.T) {
	const (
		path    = "/v25.0/" + pacific + "?fields=id"
		form    = "Content-Type: application/x-www-form-urlencoded\n\n"
		asJSON  = "Content-Type: application/json\n\n"
		unknown = "Invalid OAuth access token - Cannot parse access token"
		none    = "An access token is required to request this resource."
	)
	tests := []struct{ name, request, failure string }{
		{"as a bearer", "GET " + path + " HTTP/1.1\nAuthorization: Bearer lucky-token", ""},
		{"as a bearer in small letters", "GET " + path + " HTTP/1.1\nauthorization: bearer lucky-token", ""},
		{"in the scheme OAuth", "GET " + path + " HTTP/1.1\nAuthorization: OAuth lucky-token", ""},
		{"after two blanks", "GET " + path + " HTTP/1.1\nAuthorization: Bearer  lucky-token ", ""},
		{"in the query", "GET " + path + "&access_token=lucky-token HTTP/1.1", ""},
		{"in the query, encoded", "GET " + path + "&access%5Ftoken=%6Cucky-token HTTP/1.1", ""},
		{"in the query, twice the same", "GET " + path + "&access_token=lucky-token&access_token=lucky-token HTTP/1.1", ""},
		{"in the query, the last one wrong", "GET " + path + "&access_token=lucky-token&access_token=wrong HTTP/1.1", unknown},
		{"in the query, the first one wrong", "GET " + path + "&access_token=wrong&access_token=lucky-token HTTP/1.1", ""},
		{"in both", "GET " + path + "&access_token=lucky-token HTTP/1.1\nAuthorization: Bearer lucky-token", ""},
		{"in both, the header wrong", "GET " + path + "&access_token=lucky-token HTTP/1.1\nAuthorization: Bearer wrong", ""},
		{"in both, the query wrong", "GET " + path + "&access_token=wrong HTTP/1.1\nAuthorization: Bearer lucky-token", unknown},
		{"in both, the query empty", "GET " + path + "&access_token= HTTP/1.1\nAuthorization: Bearer lucky-token", ""},
		{"in a form", "POST " + path + " HTTP/1.1\n" + form + "method=get&access_token=lucky-token", ""},
		{"in a form that does not say so", "POST " + path + " HTTP/1.1\n\nmethod=get&access_token=lucky-token", ""},
		{"in JSON", "POST " + path + " HTTP/1.1\n" + asJSON + `{"method": "get", "access_token": "lucky-token"}`, ""},
		{"in JSON with a charset", "POST " + path + " HTTP/1.1\nContent-Type: application/json; charset=UTF-8\n\n" + `{"method": "get", "access_token": "lucky-token"}`, ""},
		{"in a form, the query wrong", "POST " + path + "&access_token=wrong HTTP/1.1\n" + form + "method=get&access_token=lucky-token", ""},
		{"in a form, the header wrong", "POST " + path + " HTTP/1.1\nAuthorization: Bearer wrong\n" + form + "method=get&access_token=lucky-token", ""},
		{"in JSON as null, the header right", "POST " + path + " HTTP/1.1\nAuthorization: Bearer lucky-token\n" + asJSON + `{"method": "get", "access_token": null}`, ""},
		{"in the body of a GET, which means nothing", "GET " + path + " HTTP/1.1\n" + form + "access_token=lucky-token", none},
		{"in the body of a HEAD, which means nothing", "HEAD " + path + " HTTP/1.1\n" + form + "access_token=lucky-token", none},
		{"in a cookie", "GET " + path + " HTTP/1.1\nCookie: access_token=lucky-token", none},
		{"as a password", "GET " + path + " HTTP/1.1\nAuthorization: Basic lucky-token", none},
		{"without a scheme", "GET " + path + " HTTP/1.1\nAuthorization: lucky-token", none},
		{"as a bearer of nothing", "GET " + path + " HTTP/1.1\nAuthorization: Bearer", none},
		{"cut short", "GET " + path + "&access_token=lucky-toke HTTP/1.1", unknown},
		{"in other letters", "GET " + path + "&access_token=Lucky-Token HTTP/1.1", unknown},
		{"with a NUL", "GET " + path + "&access_token=lucky-token%00 HTTP/1.1", unknown},
		{"in invalid UTF-8", "GET " + path + "&access_token=%FF HTTP/1.1", unknown},
		{"of eight thousand characters", "GET " + path + "&access_token=" + strings.Repeat("x", 8000) + " HTTP/1.1", unknown},
	}
	g := lucky(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := g.raw(tt.request)
			switch tt.failure {
			case "":
				wantAnswer(t, w, pacificID)
			case none:
				wantFailure(t, w, http.StatusBadRequest, 104, 0, "OAuthException", none)
			default:
				wantFailure(t, w, http.StatusUnauthorized, 190, 0, "OAuthException", tt.failure)
			}
		})
	}
}

// TestChallenge checks that a refused token is told in a header too.
func TestChallenge(t *testing.T) {
	g := lucky(t)
	w := g.raw("GET /v25.0/" + pacific + " HTTP/1.1\nAuthorization: Bearer wrong")
	want := `OAuth "Facebook Platform" "invalid_token" "Invalid OAuth access token - Cannot parse access token"`
	if got := w.Header().Get("WWW-Authenticate"); got != want {
		t.Errorf("WWW-Authenticate %q, want %q", got, want)
	}
	if got := g.get("/v25.0/" + pacific).Header().Get("WWW-Authenticate"); got != "" {
		t.Errorf("a good token is challenged: %q", got)
	}
}

// TestExpiry checks the second at which a token ends, and that a directory may
// extend it.
func TestExpiry(t *testing.T) {
	document := strings.Replace(readFile(t, tenantsFile), "2026-03-01T11:59:59Z", "2026-03-01T12:00:10Z", 1)
	g := newGraph(t, openStore(t), document, 0)
	call := "GET /v25.0/" + pacific + "?fields=id HTTP/1.1\nAuthorization: Bearer lucky-expired-token"
	g.clock.pass(10*time.Second - 1)
	wantAnswer(t, g.raw(call), pacificID)
	g.clock.pass(1)
	wantFailure(t, g.raw(call), http.StatusUnauthorized, 190, 463, "OAuthException",
		"Error validating access token: Session has expired on Sunday, 01-Mar-26 12:00:10 UTC. "+
			"The current time is Sunday, 01-Mar-26 12:00:10 UTC.")
	g.apply(strings.Replace(document, "12:00:10Z", "12:00:11Z", 1))
	wantAnswer(t, g.raw(call), pacificID)
}

// proof returns an appsecret_proof.
func proof(secret, token string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestAppSecretProof(t *testing.T) {
	tests := []struct {
		name, token, proof string
		valid              bool
	}{
		{"by the new secret", "lucky-token", proof("lucky-new-secret", "lucky-token"), true},
		{"by the old secret", "lucky-token", proof("lucky-old-secret", "lucky-token"), true},
		{"in capitals", "lucky-token", strings.ToUpper(proof("lucky-new-secret", "lucky-token")), true},
		{"by the secret of another app", "lucky-token", proof("rival-secret", "lucky-token"), false},
		{"of another token", "lucky-token", proof("lucky-new-secret", "lucky-management-token"), false},
		{"of a token without an app", "lucky-management-token", proof("lucky-new-secret", "lucky-management-token"), false},
		{"of a token without an app, by no secret", "lucky-management-token", proof("", "lucky-management-token"), false},
		{"that is empty", "lucky-token", "", false},
		{"that is cut short", "lucky-token", proof("lucky-new-secret", "lucky-token")[:62], false},
		{"with more behind", "lucky-token", proof("lucky-new-secret", "lucky-token") + "00", false},
		{"that is no hexadecimal number", "lucky-token", "proof", false},
	}
	g := lucky(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			query := "access_token=" + tt.token + "&appsecret_proof=" + tt.proof
			for _, request := range []string{
				"GET /v25.0/" + pacific + "?fields=id&" + query + " HTTP/1.1",
				"POST /v25.0/" + pacific + "?fields=id&method=get HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n\n" + query,
			} {
				if w := g.raw(request); tt.valid {
					wantAnswer(t, w, pacificID)
				} else {
					wantFailure(t, w, http.StatusBadRequest, 100, 0, "GraphMethodException",
						"Invalid appsecret_proof provided in the API argument")
				}
			}
		})
	}
	t.Run("of a secret that was rotated out", func(t *testing.T) {
		g.apply(strings.Replace(readFile(t, tenantsFile), "lucky-new-secret, lucky-old-secret", "lucky-new-secret", 1))
		w := g.get("/v25.0/" + pacific + "?appsecret_proof=" + proof("lucky-old-secret", "lucky-token"))
		wantFailure(t, w, http.StatusBadRequest, 100, 0, "GraphMethodException",
			"Invalid appsecret_proof provided in the API argument")
	})
}

// TestForeignIsUnknown checks that no call tells an object of somebody else from
// one that does not exist, in body or headers.
func TestForeignIsUnknown(t *testing.T) {
	g := newGraph(t, openStore(t), readFile(t, tenantsFile), 100)
	for _, method := range []string{"GET", "HEAD", "POST", "DELETE", "PUT", "OPTIONS"} {
		for _, rest := range []string{"", "?fields=analytics.start(1).end(2).granularity(DAY)", "/analytics", "?fields=%00", "?method=delete"} {
			answers := make(map[string]string)
			for _, id := range []string{rivals, momoPage, nobodys} {
				w := g.raw(method + " /v25.0/" + id + rest + " HTTP/1.1\nAuthorization: Bearer lucky-token")
				for _, name := range []string{"X-Fb-Trace-Id", "X-Fb-Request-Id", "X-Fb-Debug"} {
					w.Header().Del(name)
				}
				var text strings.Builder
				if err := w.Header().Write(&text); err != nil {
					t.Fatal(err)
				}
				answers[strings.ReplaceAll(text.String()+untraced(w.Body.String()), id, "ID")] = id
			}
			if len(answers) != 1 {
				t.Errorf("%s %s tells objects apart: %q", method, rest, answers)
			}
		}
	}
}
