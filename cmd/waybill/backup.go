package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"waybill"
)

type backupCmd struct {
	storeFlags  `embed:""`
	remoteFlags `embed:""`

	To string `arg:"" help:"Directory to make; with --url on the server's machine."`
}

// backupTimeout bounds how long a server may take to write a backup.
const backupTimeout = time.Hour

// Run copies the store as it is at one moment. The secret key stays where it is:
// whoever has the backup alone cannot read the secrets in it.
func (cmd *backupCmd) Run(ctx context.Context, c console) error {
	if err := cmd.check(); err != nil {
		return err
	}
	to, err := filepath.Abs(cmd.To)
	if err != nil {
		return err
	}
	if cmd.URL != "" {
		err = cmd.backupRemote(ctx, to)
	} else {
		err = cmd.backupLocal(ctx, to)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s has a copy of the data. %s\n", to, aboutTheKey)
	return err
}

const aboutTheKey = "The secret key is not part of it: keep secret.key, or the value of WAYBILL_SECRET_KEY, in another place, for without it the secrets cannot be read."

func (cmd *backupCmd) backupRemote(ctx context.Context, to string) error {
	server, err := cmd.remote(cmd.Data)
	if err != nil {
		return err
	}
	return server.post(ctx, "/waybill/v1/backups", map[string]string{"directory": to}, nil, backupTimeout)
}

// backupLocal needs no secret key, so that it copies the store itself.
func (cmd *backupCmd) backupLocal(ctx context.Context, to string) error {
	store, err := cmd.openStore()
	if waybill.CodeOf(err) == waybill.Conflict {
		return fmt.Errorf("%w; to back up the data of the server that uses it, add --url", err)
	}
	if err != nil {
		return err
	}
	return errors.Join(store.Checkpoint(ctx, to), store.Close())
}

type restoreCmd struct {
	storeFlags `embed:""`

	From   string `arg:"" help:"Directory of the backup." type:"existingdir"`
	Verify bool   `help:"Recompute every counter before the data is put in place."`
}

// Run copies a backup to where a server may use it. The backup stays as it is.
func (cmd *restoreCmd) Run(ctx context.Context, c console) error {
	if err := cmd.checkTarget(); err != nil {
		return err
	}
	// The name of the data directory appears once everything is in it.
	part := filepath.Clean(cmd.Data) + ".restoring"
	if err := os.Mkdir(part, 0o700); err != nil {
		return fmt.Errorf("%w; another restore was cut short, or is at work", err)
	}
	err := copyFiles(ctx, cmd.From, part)
	if err == nil {
		err = cmd.try(ctx, part, c)
	}
	if err == nil {
		err = os.Rename(part, cmd.Data)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	_, err = fmt.Fprintf(c.out, "%s has the data of the backup. The secret key is not part of it: "+
		"before serve starts, put that of the old server at %s, or set WAYBILL_SECRET_KEY. "+
		"The operator gets a new token, in %s.\n",
		cmd.Data, filepath.Join(cmd.Data, "secret.key"), filepath.Join(cmd.Data, adminTokenFile))
	return err
}

// checkTarget fails where there is something that would be lost.
func (cmd *restoreCmd) checkTarget() error {
	entries, err := os.ReadDir(cmd.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty: nothing is restored over data", cmd.Data)
	}
	return os.Remove(cmd.Data)
}

// try opens the copy, and verifies it if that is asked for.
func (cmd *restoreCmd) try(ctx context.Context, dir string, c console) error {
	if cmd.Verify {
		return (&verifyCmd{storeFlags: storeFlags{Data: dir}, Limit: 100}).Run(ctx, c)
	}
	store, err := (&storeFlags{Data: dir}).openStore()
	if err != nil {
		return fmt.Errorf("the backup in %s: %w", cmd.From, err)
	}
	return store.Close()
}

// copyFiles copies the files of a folder, and those in its folders, durably.
func copyFiles(ctx context.Context, from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		source, target := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		switch {
		case e.IsDir():
			if err = os.Mkdir(target, 0o700); err == nil {
				err = copyFiles(ctx, source, target)
			}
		case e.Type().IsRegular():
			err = copyFile(source, target)
		default:
			err = fmt.Errorf("%s is neither a file nor a folder", source)
		}
		if err != nil {
			return err
		}
	}
	return syncDir(to)
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return errors.Join(err, source.Close())
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Sync(), target.Close(), source.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
