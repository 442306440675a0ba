package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// A commandLine is the arguments of this process. It can be read again, to find
// what the file of settings says by then.
type commandLine []string

// settings are those of a server, and of all flags the values as text, by name.
type settings struct {
	serve  serveFlags
	values map[string]string
}

// read parses the command line.
func (l commandLine) read(c console) (settings, error) {
	flags, parsed, err := parse(l, c)
	if err != nil {
		return settings{}, err
	}
	s := settings{serve: flags.Serve.serveFlags, values: make(map[string]string)}
	if parsed.Selected().Name == "demo" {
		s.serve = flags.Demo.serveFlags
	}
	for _, f := range parsed.Flags() {
		s.values[f.Name] = fmt.Sprint(f.Target.Interface())
	}
	return s, s.serve.edgeFlags.checkEdge()
}

// changeable are the settings that a reload can change.
var changeable = []string{"log-level", "trusted-proxies", "tls-cert", "tls-key"}

// needRestart returns the other settings that differ from before.
func (s settings) needRestart(before settings) []string {
	var names []string
	for name, value := range s.values {
		if value != before.values[name] && !slices.Contains(changeable, name) {
			names = append(names, name)
		}
	}
	if secure := func(s settings) bool { return s.serve.TLSCert != "" }; secure(s) != secure(before) {
		names = append(names, "tls-cert", "tls-key")
	}
	slices.Sort(names)
	return names
}

// reloads reads settings and certificate again at each SIGHUP, until ctx is done.
func (a *app) reloads(ctx context.Context) error {
	if a.line == nil {
		return nil
	}
	before, err := a.line.read(a.console)
	if err != nil {
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		defer signal.Stop(hup)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				if err := a.reload(ctx, before); err != nil {
					a.log.ErrorContext(ctx, "not reloaded; all stays as it was", "err", err)
				}
			}
		}
	}()
	return nil
}

// reload applies what settings and certificate are by now, all or nothing.
func (a *app) reload(ctx context.Context, before settings) error {
	s, err := a.line.read(a.console)
	if err != nil {
		return err
	}
	if err := s.serve.loadCertificate(&a.certificate, a.log); err != nil {
		return err
	}
	a.server.TrustProxies(s.serve.proxies())
	a.level.Set(min(a.level.Level(), s.serve.LogLevel)) // that the next lines are seen
	defer a.level.Set(s.serve.LogLevel)
	a.log.InfoContext(ctx, "reloaded", "log_level", s.serve.LogLevel.String(),
		"trusted_proxies", s.values["trusted-proxies"], "tls_cert", s.serve.TLSCert)
	if names := s.needRestart(before); len(names) > 0 {
		a.log.WarnContext(ctx, "settings have changed that need a restart", "settings", names)
	}
	return nil
}
