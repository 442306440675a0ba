package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// proxyTenants has a user who may call from 127.0.0.9 over TLS only.
const proxyTenants = `
accounts:
  - id: "1000000000000001"
    products: [cams]
    tokens:
      - {name: graph, token: graph-token-0123456789, scopes: [whatsapp_business_management, whatsapp_business_messaging]}
      - {name: own, token: own-token-0123456789, scopes: ["events:write"]}
    users:
      - name: near
        access_keys: [{id: near, secret: near-secret}]
        policies: [{Version: "1", Statement: [{Effect: Allow, Action: "cams:*", Resource: "*", Condition: {
          IpAddress: {"acs:SourceIp": ["127.0.0.9/32"]}, Bool: {"acs:SecureTransport": "true"}}}]}]
channels:
  - {id: cams-1, provider: chatapp, account: "1000000000000001"}
  - {id: "102290129340398", provider: waba, account: "1000000000000001", time_zone: UTC, senders: ["16315551000", "16315551001"]}
`

// TestNginx calls a server through nginx with the settings of deploy/nginx.conf.
func TestNginx(t *testing.T) { checkProxy(t, needs(t, "nginx", "nginx-light"), startNginx) }

// TestCaddy calls a server through Caddy with the settings of deploy/Caddyfile.
func TestCaddy(t *testing.T) { checkProxy(t, needs(t, "caddy", "caddy"), startCaddy) }

// checkProxy calls a server through a proxy, which start starts.
func checkProxy(t *testing.T, program string, startProxy func(t *testing.T, program, dir, upstream string) string) {
	dir := t.TempDir()
	apply(t, filepath.Join(dir, "data"), proxyTenants)
	p := start(t, "serve", "--data", filepath.Join(dir, "data"), "--trusted-proxies=127.0.0.1/32")
	pool := writeCertificate(t, dir, 1)
	front := startProxy(t, program, dir, strings.TrimPrefix(p.url, "http://"))
	client := clientFrom(net.IPv4(127, 0, 0, 9), pool)

	t.Run("doubled slashes, and links back", func(t *testing.T) {
		r := send(t, client, http.MethodGet, "https://"+front+"//v25.0//102290129340398/phone_numbers?limit=1&access_token=graph-token-0123456789", "",
			"X-Forwarded-Host", "evil.example")
		if want := `"next":"https://` + front + `/`; r.status != http.StatusOK || !strings.Contains(strings.ReplaceAll(r.body, `\/`, `/`), want) {
			t.Errorf("answered %d %s, want %s", r.status, r.body, want)
		}
		if got := r.header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
			t.Errorf("Strict-Transport-Security is %q", got)
		}
	})
	t.Run("a large body", func(t *testing.T) {
		body := strings.Repeat("\n", 63<<20) + `{"channel":"cams-1","message":"m-1","status":"sent","at":"2026-01-01T00:00:00Z"}`
		r := send(t, client, http.MethodPost, "https://"+front+"/waybill/v1/events", body, "Authorization", "Bearer own-token-0123456789")
		if r.status != http.StatusOK || !strings.Contains(r.body, `"changed":1`) {
			t.Errorf("answered %d %.200s", r.status, r.body)
		}
	})
	t.Run("the client's address", func(t *testing.T) {
		send(t, client, http.MethodGet, "https://"+front+"/nowhere", "", "X-Forwarded-For", "203.0.113.9")
		if line := p.awaitLine(t, "/nowhere"); !strings.Contains(line, `"client":"127.0.0.9"`) {
			t.Errorf("the log says %s", line)
		}
	})
	t.Run("a signature over host and port", func(t *testing.T) {
		r := send(t, client, http.MethodPost, "https://"+front+"/?CustSpaceId=cams-1", "", signACS3(front, "CustSpaceId=cams-1", "EnableWhatsappROIMetric")...)
		if r.status != http.StatusOK || !strings.Contains(r.body, `"Code":"OK"`) {
			t.Errorf("answered %d %s", r.status, r.body)
		}
	})
	t.Run("a signature from another address", func(t *testing.T) {
		far := clientFrom(net.IPv4(127, 0, 0, 8), pool)
		headers := append(signACS3(front, "CustSpaceId=cams-1", "EnableWhatsappROIMetric"), "X-Forwarded-For", "127.0.0.9")
		if r := send(t, far, http.MethodPost, "https://"+front+"/?CustSpaceId=cams-1", "", headers...); !strings.Contains(r.body, "Ram.PermissionDeny") {
			t.Errorf("answered %d %s", r.status, r.body)
		}
	})
}

// startNginx starts nginx with the documented settings, but for addresses and
// files, and returns its address.
func startNginx(t *testing.T, nginx, dir, upstream string) string {
	t.Helper()
	text, err := os.ReadFile(root + "/deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t, "127.0.0.1")
	site := strings.NewReplacer(
		"server 127.0.0.1:8080;", "server "+upstream+";",
		"listen 443 ssl http2;", "listen "+address+" ssl http2;",
		"listen [::]:443 ssl http2;", "",
		"/etc/ssl/certs/waybill.pem", filepath.Join(dir, "tls.crt"),
		"/etc/ssl/private/waybill.key", filepath.Join(dir, "tls.key"),
	).Replace(string(text))
	settings := fmt.Sprintf("daemon off;\nmaster_process off;\npid %[1]s/nginx.pid;\nerror_log stderr notice;\nevents {}\nhttp {\n"+
		"client_body_temp_path %[1]s/body;\nproxy_temp_path %[1]s/proxy;\nfastcgi_temp_path %[1]s/f;\nuwsgi_temp_path %[1]s/u;\nscgi_temp_path %[1]s/s;\n%[2]s}\n", dir, site)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	runProxy(t, "OS: ", nginx, "-p", dir, "-e", "stderr", "-c", file) // what it says once it listens
	return address
}

// startCaddy starts Caddy with the documented settings, but for the address and the
// certificate, and returns its address.
func startCaddy(t *testing.T, caddy, dir, upstream string) string {
	t.Helper()
	text, err := os.ReadFile(root + "/deploy/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t, "127.0.0.1")
	site := strings.NewReplacer(
		"waybill.example {", fmt.Sprintf("https://%s {\n\ttls %[2]s/tls.crt %[2]s/tls.key", address, dir),
		"reverse_proxy 127.0.0.1:8080", "reverse_proxy "+upstream,
	).Replace(string(text))
	file := filepath.Join(dir, "Caddyfile")
	settings := fmt.Sprintf("{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system %s\n}\n%s", dir, site)
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	runProxy(t, "serving initial configuration", caddy, "run", "--config", file, "--adapter", "caddyfile")
	return address
}

// runProxy runs a program until the test ends, and returns when it says that it
// listens.
func runProxy(t *testing.T, listens, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	log := newFollower()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is killed
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	p := &process{log: log}
	p.await(t, listens)
}

// freeAddress returns an address of this machine at which nobody listens. Others
// who look for one may take it on 127.0.0.1, where most tests are.
func freeAddress(t *testing.T, ip string) string {
	t.Helper()
	l, err := net.Listen("tcp", ip+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// clientFrom returns a client that calls from an address of this machine.
func clientFrom(ip net.IP, pool *x509.CertPool) *http.Client {
	client := trusting(pool)
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: ip}, Timeout: 10 * time.Second}
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, address)
	}
	return client
}

// signACS3 returns the headers of a call of the user near without a body.
func signACS3(host, query, action string) []string {
	sum := func(s string) string {
		h := sha256.Sum256([]byte(s))
		return hex.EncodeToString(h[:])
	}
	now := time.Now().UTC()
	signed := [][2]string{
		{"host", host},
		{"x-acs-action", action},
		{"x-acs-content-sha256", sum("")},
		{"x-acs-date", now.Format("2006-01-02T15:04:05Z")},
		{"x-acs-signature-nonce", fmt.Sprint(now.UnixNano())},
		{"x-acs-version", "2020-06-06"},
	}
	var headers, names []string
	canonical := "POST\n/\n" + query + "\n"
	for _, h := range signed {
		canonical += h[0] + ":" + h[1] + "\n"
		names = append(names, h[0])
		if h[0] != "host" {
			headers = append(headers, h[0], h[1])
		}
	}
	list := strings.Join(names, ";")
	mac := hmac.New(sha256.New, []byte("near-secret"))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + sum(canonical+"\n"+list+"\n"+sum(""))))
	return append(headers, "Authorization",
		"ACS3-HMAC-SHA256 Credential=near,SignedHeaders="+list+",Signature="+hex.EncodeToString(mac.Sum(nil)))
}
