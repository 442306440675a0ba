package telemetry_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"waybill/internal/telemetry"
)

func TestNewLoggerJSON(t *testing.T) {
	var b bytes.Buffer
	telemetry.NewLogger(&b, "json", slog.LevelInfo).Info("request", "url", "/\n\"x")
	var line map[string]any
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatalf("%s: %v", b.String(), err)
	}
	if line["msg"] != "request" || line["url"] != "/\n\"x" {
		t.Errorf("%v", line)
	}
}

func TestNewLoggerText(t *testing.T) {
	var b bytes.Buffer
	telemetry.NewLogger(&b, "text", slog.LevelInfo).Info("request", "url", "/\nlevel=ERROR")
	if s := b.String(); strings.Count(s, "\n") != 1 || !strings.Contains(s, `url="/\nlevel=ERROR"`) {
		t.Errorf("%s", s)
	}
}

func TestNewLoggerLevelCanChange(t *testing.T) {
	var b bytes.Buffer
	var level slog.LevelVar
	level.Set(slog.LevelWarn)
	log := telemetry.NewLogger(&b, "text", &level)
	log.Info("quiet")
	level.Set(slog.LevelDebug)
	log.Debug("loud")
	if s := b.String(); strings.Contains(s, "quiet") || !strings.Contains(s, "loud") {
		t.Errorf("%s", s)
	}
}
