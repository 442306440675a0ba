package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"waybill/internal/dialect"
	"waybill/internal/server"
)

// edgeFlags are what clients and proxies meet first.
type edgeFlags struct {
	TLSCert  string `name:"tls-cert" help:"File with the certificate of the public listener and its chain, in PEM; without it, it speaks plain HTTP." placeholder:"FILE" predictor:"file"`
	TLSKey   string `name:"tls-key" help:"File with the key of --tls-cert." placeholder:"FILE" predictor:"file"`
	AdminTLS bool   `name:"admin-tls" help:"TLS with the same certificate at the admin listener, too."`

	TrustedProxies []netip.Prefix `help:"Networks of proxies whose X-Forwarded-For, -Proto and -Host are believed." placeholder:"CIDR"`
}

// checkEdge returns what is wrong with the settings.
func (f *edgeFlags) checkEdge() error {
	switch {
	case (f.TLSCert == "") != (f.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key need each other: one of them is missing")
	case f.AdminTLS && f.TLSCert == "":
		return errors.New("--admin-tls needs --tls-cert and --tls-key")
	}
	return nil
}

const (
	expiresSoon = 14 * 24 * time.Hour // how long before its end a certificate is warned of
	expiryEvery = 24 * time.Hour      // how often
)

// loadCertificate reads the certificate, if there is to be one.
func (f *edgeFlags) loadCertificate(c *server.Certificate, log *slog.Logger) error {
	if f.TLSCert == "" {
		return nil
	}
	if err := c.Load(f.TLSCert, f.TLSKey); err != nil {
		return err
	}
	warnOfExpiry(c, log)
	return nil
}

func warnOfExpiry(c *server.Certificate, log *slog.Logger) {
	if until, ok := c.Until(); ok && time.Until(until) < expiresSoon {
		log.Warn("the certificate expires soon, or has expired", "not_after", until)
	}
}

// watchExpiry warns once a day while the certificate expires soon, until ctx is
// done: a server may run for longer than a certificate is good for.
func watchExpiry(ctx context.Context, c *server.Certificate, log *slog.Logger) {
	ticker := time.NewTicker(expiryEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			warnOfExpiry(c, log)
		}
	}
}

// tls returns the settings of both listeners, nil where they speak plain HTTP.
func (f *edgeFlags) tls(c *server.Certificate) (public, admin *tls.Config) {
	if f.TLSCert != "" {
		public = c.Config()
	}
	if f.AdminTLS {
		admin = c.Config()
	}
	return public, admin
}

func (f *edgeFlags) proxies() dialect.Proxies { return f.TrustedProxies }

// scheme returns that of the URLs of a listener.
func scheme(secure bool) string {
	if secure {
		return "https://"
	}
	return "http://"
}
