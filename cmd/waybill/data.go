package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"waybill/internal/directory"
	"waybill/internal/store/pebble"
)

// dataFlags say where the embedded store lies and what opens its secrets.
type dataFlags struct {
	Data          string `help:"Directory of the embedded store." default:"waybill-data" predictor:"dir" placeholder:"DIR"`
	SecretKeyFile string `help:"File with the key of the secrets at rest; WAYBILL_SECRET_KEY stands over it. Made beside the data when absent." placeholder:"FILE" predictor:"file"`
}

const secretKeyVariable = "WAYBILL_SECRET_KEY"

func (d *dataFlags) keyFile() string {
	if d.SecretKeyFile != "" {
		return d.SecretKeyFile
	}
	return filepath.Join(d.Data, "secret.key")
}

// openData opens the store in a directory and the tenants in it. Whoever gives no
// KeepMessages drops no histories.
func openData(ctx context.Context, data dataFlags, opt pebble.Options, log *slog.Logger) (*pebble.Store, *directory.Directory, directory.Key, error) {
	opt.Now, opt.Log = time.Now, log
	store, err := pebble.Open(data.Data, opt)
	if err != nil {
		return nil, nil, directory.Key{}, err
	}
	file := data.keyFile()
	for _, path := range []string{data.Data, file} {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
			log.WarnContext(ctx, "others can read what is secret", "file", path, "mode", info.Mode().String())
		}
	}
	key, err := directory.LoadKey(ctx, store, os.Getenv(secretKeyVariable), file)
	if err != nil {
		return nil, nil, key, errors.Join(err, store.Close())
	}
	dir, err := directory.Open(ctx, store, key, directory.Options{Now: time.Now, Log: log})
	if err != nil {
		return nil, nil, key, errors.Join(err, store.Close())
	}
	return store, dir, key, nil
}
