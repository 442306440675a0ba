package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"waybill/internal/server"
)

// writeCertificate makes a certificate of its own issue for 127.0.0.1, writes it
// and its key into dir, and returns a pool with it.
func writeCertificate(t testing.TB, dir string, serial int64) *x509.CertPool {
	t.Helper()
	return writeCertificateUntil(t, dir, serial, time.Now().AddDate(0, 3, 0))
}

func writeCertificateUntil(t testing.TB, dir string, serial int64, until time.Time) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: der},
		"tls.key": {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return pool
}

// trusting returns a client that makes a new connection for each call.
func trusting(pool *x509.CertPool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		},
		Timeout: 20 * time.Second,
	}
}

// serial returns the number of the certificate that an address shows.
func serial(t testing.TB, url string, pool *x509.CertPool) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// startTLS starts a server with a certificate in dir and settings in its file.
func startTLS(t *testing.T, dir, settings string) *process {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "waybill.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, "serve", "--data", filepath.Join(dir, "data"), "--config", filepath.Join(dir, "waybill.yaml"),
		"--tls-cert", filepath.Join(dir, "tls.crt"), "--tls-key", filepath.Join(dir, "tls.key"))
}

// TestTLS calls both listeners over TLS, in every version and without.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	pool := writeCertificate(t, dir, 1)
	p := startTLS(t, dir, "admin-tls: true\n")
	for _, url := range []string{p.url + "/waybill/v1/version", p.admin + "/healthz"} {
		r, err := trusting(pool).Get(url)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.ProtoMajor != 2 || r.TLS.Version != tls.VersionTLS13 {
			t.Errorf("%s is answered over %s and TLS %x", url, r.Proto, r.TLS.Version)
		}
		plain := send(t, newClient(), http.MethodGet, strings.Replace(url, "https", "http", 1), "")
		if plain.status != http.StatusBadRequest {
			t.Errorf("%s over plain HTTP is answered %d %s", url, plain.status, plain.body)
		}
	}
	for version, served := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true} {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(p.url, "https://"),
			&tls.Config{RootCAs: pool, MinVersion: version, MaxVersion: version})
		if (err == nil) != served {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			conn.Close()
		}
	}
}

// TestReload exchanges the certificate under load: no request is lost, and what
// can't be read changes nothing.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	pool := writeCertificate(t, dir, 1)
	p := startTLS(t, dir, "")
	keeping := &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: 8, ForceAttemptHTTP2: true},
		Timeout:   20 * time.Second,
	}
	var load sync.WaitGroup
	var answered atomic.Int64
	stop := make(chan struct{})
	for i := range 8 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				client := keeping
				if i%2 == 0 { // half of the clients shake hands each time
					client = trusting(nil)
					client.Transport.(*http.Transport).TLSClientConfig.InsecureSkipVerify = true
				}
				if r, err := trySend(client, http.MethodGet, p.url+"/nowhere", ""); err != nil || r.status != http.StatusNotFound {
					t.Errorf("lost: %d %v", r.status, err)
				}
				answered.Add(1)
			}
		})
	}
	for n := int64(2); n < 7; n++ {
		pool = writeCertificate(t, dir, n)
		p.hup(t, `"reloaded"`)
		if got := serial(t, p.url, pool); got != n {
			t.Errorf("certificate %d is shown after the reload of number %d", got, n)
		}
	}
	close(stop)
	load.Wait()
	if answered.Load() < 50 {
		t.Errorf("only %d requests in the meantime", answered.Load())
	}
	for _, broken := range []struct{ file, text, complaint string }{
		{"tls.key", "no key", "tls.key: tls: failed to find any PEM data in key input"},
		{"waybill.yaml", "lisen: x\n", "is no setting"},
		{"waybill.yaml", "log-level: loud\n", "loud"},
		{"waybill.yaml", "trusted-proxies: [everyone]\n", "everyone"},
	} {
		file := filepath.Join(dir, broken.file)
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(broken.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if line := p.hup(t, "not reloaded"); !strings.Contains(line, broken.complaint) {
			t.Errorf("%s with %q: the log says %s", broken.file, broken.text, line)
		}
		if got := serial(t, p.url, pool); got != 6 {
			t.Errorf("certificate %d is shown after a broken %s", got, broken.file)
		}
		if err := os.WriteFile(file, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCertificateExpires starts a server whose certificate is good for three days
// more, and then gets one that is good for long.
func TestCertificateExpires(t *testing.T) {
	dir := t.TempDir()
	writeCertificateUntil(t, dir, 1, time.Now().AddDate(0, 0, 3))
	p := startTLS(t, dir, "")
	const warning = "the certificate expires soon"
	p.await(t, warning)
	writeCertificate(t, dir, 2)
	p.hup(t, `"reloaded"`)
	if n := strings.Count(p.log.String(), warning); n != 1 {
		t.Errorf("the log warns %d times", n)
	}
}

// TestExpiryIsWatched lets weeks go by in which nothing is loaded.
func TestExpiryIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, dir := time.Now(), t.TempDir()
		writeCertificateUntil(t, dir, 1, begun.AddDate(0, 0, 20))
		log := newFollower()
		logger := slog.New(slog.NewTextHandler(log, nil))
		var c server.Certificate
		flags := edgeFlags{TLSCert: filepath.Join(dir, "tls.crt"), TLSKey: filepath.Join(dir, "tls.key")}
		if err := flags.loadCertificate(&c, logger); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go watchExpiry(ctx, &c, logger)
		for _, want := range []struct{ days, warnings int }{{6, 0}, {7, 1}, {9, 3}} {
			time.Sleep(time.Until(begun.AddDate(0, 0, want.days).Add(time.Minute)))
			synctest.Wait()
			if n := strings.Count(log.String(), "expires soon"); n != want.warnings {
				t.Errorf("after %d days there are %d warnings, want %d", want.days, n, want.warnings)
			}
		}
		cancel()
	})
}

// TestReloadSettings changes the settings that can be changed while the server
// serves, and one that can't.
func TestReloadSettings(t *testing.T) {
	dir := t.TempDir()
	pool := writeCertificate(t, dir, 1)
	p := startTLS(t, dir, "log-level: info\n")
	client := trusting(pool)
	call := func(path string) {
		send(t, client, http.MethodGet, p.url+path, "", "X-Forwarded-For", "203.0.113.9")
	}
	call("/before")
	if line := p.awaitLine(t, "/before"); strings.Contains(line, "203.0.113.9") {
		t.Errorf("a stranger's word is taken for its address: %s", line)
	}
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "waybill.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("log-level: info\ntrusted-proxies: [127.0.0.0/8]\nmeta-calls-per-hour: 5\n")
	p.hup(t, `"reloaded"`)
	if line := p.awaitLine(t, "need a restart"); !strings.Contains(line, `["meta-calls-per-hour"]`) {
		t.Errorf("settings that need a restart: %s", line)
	}
	call("/after")
	if line := p.awaitLine(t, "/after"); !strings.Contains(line, `"client":"203.0.113.9"`) {
		t.Errorf("the proxy's word is not in %s", line)
	}
	write("log-level: error\n")
	p.hup(t, `"reloaded"`)
	call("/hidden")
	write("log-level: info\n")
	p.hup(t, `"reloaded"`)
	call("/shown")
	if lines := p.await(t, "/shown"); strings.Contains(p.log.String(), "/hidden") {
		t.Errorf("a request is logged at level error: %s", lines)
	}
}

// hup has the settings read again and returns the line of the log that says so.
func (p *process) hup(t *testing.T, says string) string {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	return p.awaitLine(t, says)
}
