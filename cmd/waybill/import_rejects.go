package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"

	"waybill/internal/load"
)

// rejects is the list of rejected rows. Without a file it keeps nothing.
type rejects struct {
	file  *os.File
	out   *bufio.Writer
	bytes int64
}

// openRejects opens the list. A resumed import goes on where the checkpoint knows
// it to be: what was written after that comes again.
func openRejects(path string, c *load.Checkpoint, resumed bool) (*rejects, error) {
	if path == "" {
		return &rejects{}, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	r := &rejects{file: f, out: bufio.NewWriter(f)}
	if resumed {
		r.bytes = c.RejectedBytes
	}
	if err := f.Truncate(r.bytes); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := f.Seek(r.bytes, 0); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func (r *rejects) add(row load.Rejected) error {
	if r.file == nil {
		return nil
	}
	text, err := json.Marshal(row)
	if err != nil {
		return err
	}
	n, err := r.out.Write(append(text, '\n'))
	r.bytes += int64(n)
	return err
}

// flush writes what is held back and returns how long the list is.
func (r *rejects) flush() (int64, error) {
	if r.file == nil {
		return 0, nil
	}
	return r.bytes, r.out.Flush()
}

func (r *rejects) close() error {
	if r.file == nil {
		return nil
	}
	return errors.Join(r.out.Flush(), r.file.Close())
}
