package telemetry

import (
	"context"
	"io"
	"log/slog"
)

// NewLogger returns a logger that writes lines of at least the given level to w:
// as JSON objects where format is "json", else as text. The level of a
// *slog.LevelVar can be changed later. Where w is of type *Lines, a warning or an
// error is written, with all before it, when the call that logs it returns.
func NewLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	opt := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(w, opt)
	if format == "json" {
		h = slog.NewJSONHandler(w, opt)
	}
	if lines, ok := w.(*Lines); ok {
		h = urgent{h, lines}
	}
	return slog.New(h)
}

// urgent lets no warning wait.
type urgent struct {
	slog.Handler
	lines *Lines
}

func (u urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		u.lines.Flush()
	}
	return err
}

func (u urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{u.Handler.WithAttrs(attrs), u.lines}
}

func (u urgent) WithGroup(name string) slog.Handler {
	return urgent{u.Handler.WithGroup(name), u.lines}
}
