package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A Checkpoint says how far an import is: all before it is durable.
type Checkpoint struct {
	Version int          `json:"version"`
	Target  string       `json:"target"` // where the events go
	Inputs  []InputState `json:"inputs"`
	Counts  Counts       `json:"counts"`

	// RejectedBytes is how long the list of rejected rows was.
	RejectedBytes int64 `json:"rejected_bytes"`
}

const checkpointVersion = 1

// An InputState is how far an input is, and what it was when the import began.
type InputState struct {
	Name    string    `json:"name"`
	Size    int64     `json:"size"`
	Changed time.Time `json:"changed"`
	Position
	Done bool `json:"done"`
}

// Counts are the sums over all pieces so far.
type Counts struct {
	Received int `json:"received"`
	Changed  int `json:"changed"`
	TooLate  int `json:"too_late"`
	Rejected int `json:"rejected"`
}

func (c *Counts) add(r *Result) {
	c.Received += r.Received
	c.Changed += r.Changed
	c.TooLate += r.TooLate
	c.Rejected += len(r.Rejected)
}

// NewCheckpoint returns the beginning of an import into target.
func NewCheckpoint(target string, inputs []Input) (*Checkpoint, error) {
	c := &Checkpoint{Version: checkpointVersion, Target: target}
	for i := range inputs {
		in := &inputs[i]
		state := InputState{Name: in.Name}
		var err error
		if state.Size, state.Changed, err = in.Stat(); err != nil {
			return nil, err
		}
		if in.Stream == nil {
			if state.Name, err = filepath.Abs(in.Name); err != nil {
				return nil, err
			}
		}
		c.Inputs = append(c.Inputs, state)
	}
	return c, nil
}

// Resume takes over where an earlier import of the same inputs to the same target
// stopped, as the file at path says. It reports false where there is no such
// file, and fails where the file is of another import.
func (c *Checkpoint) Resume(path string) (bool, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var was Checkpoint
	if err := json.Unmarshal(text, &was); err != nil || was.Version != checkpointVersion {
		return false, fmt.Errorf("%s is no checkpoint of an import that this version can read", path)
	}
	if difference := c.differs(&was); difference != "" {
		return false, fmt.Errorf("%s is of another import: %s", path, difference)
	}
	*c = was
	return true, nil
}

// differs says in which way was is of another import than c, if it is.
func (c *Checkpoint) differs(was *Checkpoint) string {
	if was.Target != c.Target {
		return fmt.Sprintf("it went to %s, not to %s", was.Target, c.Target)
	}
	if len(was.Inputs) != len(c.Inputs) {
		return fmt.Sprintf("it had %d inputs, not %d", len(was.Inputs), len(c.Inputs))
	}
	for i := range c.Inputs {
		is, old := &c.Inputs[i], &was.Inputs[i]
		switch {
		case is.Name != old.Name:
			return fmt.Sprintf("input %d was %s, not %s", i+1, old.Name, is.Name)
		case is.Size != old.Size || !is.Changed.Equal(old.Changed):
			return fmt.Sprintf("%s has changed since", is.Name)
		}
	}
	return ""
}

// Write keeps c in a file, whole or not at all.
func (c *Checkpoint) Write(path string) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
