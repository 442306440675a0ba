package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

type healthCmd struct {
	AdminListen string        `help:"Address of the server's admin listener." default:"127.0.0.1:8081" placeholder:"ADDR"`
	AdminTLS    bool          `name:"admin-tls" help:"The admin listener speaks TLS. Its certificate is not checked: it is for the names of the public listener."`
	Timeout     time.Duration `help:"How long to wait for the answer." default:"3s" placeholder:"DURATION"`
}

// maxHealth bounds what is read of the answer, in bytes.
const maxHealth = 4 << 10

// Run prints what /readyz says, and fails unless that is that all is well.
func (cmd *healthCmd) Run(ctx context.Context, c console) error {
	ctx, cancel := context.WithTimeout(ctx, cmd.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme(cmd.AdminTLS)+cmd.AdminListen+"/readyz", nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxHealth))
	if err != nil {
		return err
	}
	said := strings.TrimSpace(string(text))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", said)
	}
	_, err = fmt.Fprintln(c.out, said)
	return err
}
