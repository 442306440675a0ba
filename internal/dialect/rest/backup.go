package rest

import (
	"context"
	"path/filepath"

	"waybill"
)

// A backup is what a call for one says, and is answered.
type backup struct {
	Directory string `json:"directory" doc:"Absolute path on the server's machine. It must not exist." example:"/var/backups/waybill-1"`
}

type backupParams struct {
	Body backup `body:""`
}

// postBackup writes a copy of the store, as it is at one moment, into a new
// directory of the server's machine. What the call may overwrite is nothing: the
// directory must not exist.
func (a *API) postBackup(ctx context.Context, _ *call, p *backupParams) (backup, error) {
	asked := p.Body
	if !filepath.IsAbs(asked.Directory) {
		return asked, waybill.Errorf(waybill.Invalid, "directory %s is no absolute path", cut(asked.Directory))
	}
	if a.opt.Backup == nil {
		return asked, waybill.Errorf(waybill.Invalid, "this server has no store of its own to back up")
	}
	return asked, a.opt.Backup(ctx, asked.Directory)
}
