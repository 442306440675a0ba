package rest

import (
	"context"
	"path/filepath"

	"waybill"
)

// backupRequest is the body of a call for a backup.
type backupRequest struct {
	Directory string `json:"directory"`
}

// postBackup writes a copy of the store, as it is at one moment, into a new
// directory of the server's machine. What the call may overwrite is nothing: the
// directory must not exist.
func (a *API) postBackup(ctx context.Context, c *call) (any, error) {
	var asked backupRequest
	if err := readObject(c, &asked, "directory"); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(asked.Directory) {
		return nil, waybill.Errorf(waybill.Invalid, "directory %s is no absolute path", cut(asked.Directory))
	}
	if a.opt.Backup == nil {
		return nil, waybill.Errorf(waybill.Invalid, "this server has no store of its own to back up")
	}
	return asked, a.opt.Backup(ctx, asked.Directory)
}
