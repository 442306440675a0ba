package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"waybill"
)

// adminTokenFile is where serve leaves the operator's token at the first start.
const adminTokenFile = "admin-token"

func (a *app) adminTokenPath() string { return filepath.Join(a.data.Data, adminTokenFile) }

// operatorName is the name of the operator's token.
const operatorName = "operator"

// ensureAdminToken makes the token of the operator, who applies directories,
// unless the one in the file is good. It goes into a file that only the owner can
// read, not to the log. Whoever loses the file gets a new token at the next start.
func (a *app) ensureAdminToken(ctx context.Context) error {
	path := a.adminTokenPath()
	if text, err := os.ReadFile(path); err == nil {
		token, ok := a.directory.View().Token(strings.TrimSpace(string(text)))
		if ok && token.Operator() {
			return nil
		}
	}
	err := a.directory.RevokeToken(ctx, "", operatorName)
	if err != nil && waybill.CodeOf(err) != waybill.NotFound {
		return fmt.Errorf("revoke the operator's lost token: %w", err)
	}
	secret, err := a.directory.IssueToken(ctx, waybill.Token{Name: operatorName, Scopes: []string{waybill.ScopeAdmin}})
	if err != nil {
		return fmt.Errorf("make the operator's token: %w", err)
	}
	if err := writeSecret(path, []byte(secret+"\n")); err != nil {
		return fmt.Errorf("write the operator's token: %w", err)
	}
	a.log.InfoContext(ctx, "made the operator's token", "file", path)
	return nil
}

// writeSecret makes a file what text says, whole or not at all, for the owner
// alone.
func writeSecret(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
