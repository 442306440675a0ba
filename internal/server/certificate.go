package server

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"
	"time"
)

// A Certificate is what a server shows of itself, with its key. It can be
// exchanged while connections are served: those that are open keep theirs.
type Certificate struct {
	current atomic.Pointer[tls.Certificate]
}

// Load reads the certificate, with the chain that leads to it, and its key from
// files in PEM. Where they are no pair the former certificate stays.
func (c *Certificate) Load(certFile, keyFile string) error {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", certFile, keyFile, err)
	}
	c.current.Store(&pair)
	return nil
}

// Until returns when the certificate expires; ok is false where none is loaded.
func (c *Certificate) Until() (until time.Time, ok bool) {
	pair := c.current.Load()
	if pair == nil {
		return time.Time{}, false
	}
	return pair.Leaf.NotAfter, true
}

// Config returns settings of TLS that show the certificate of the moment. Its
// curves and ciphers are Go's own choice; versions before 1.2 are refused.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current.Load(), nil
		},
	}
}
