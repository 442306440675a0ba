package telemetry

import (
	"io"
	"log/slog"
)

// NewLogger returns a logger that writes lines of at least the given level to w:
// as JSON objects where format is "json", else as text. The level of a
// *slog.LevelVar can be changed later.
func NewLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	opt := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opt))
	}
	return slog.New(slog.NewTextHandler(w, opt))
}
