package dialect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/store/storetest"
	"waybill/internal/telemetry"
)

// lagging takes a while for each question.
type lagging struct {
	waybill.Store
	lag time.Duration
	err error
}

func (l *lagging) Points(ctx context.Context, q waybill.Query) ([]waybill.Point, error) {
	time.Sleep(l.lag)
	points, err := l.Store.Points(ctx, q)
	return points, errors.Join(l.err, err)
}

func (l *lagging) Messages(ctx context.Context, q waybill.MessageQuery) (waybill.MessagePage, error) {
	time.Sleep(l.lag)
	return l.Store.Messages(ctx, q)
}

func (l *lagging) Segments(ctx context.Context, q waybill.SegmentQuery) ([]waybill.SegmentReport, error) {
	time.Sleep(l.lag)
	return l.Store.Segments(ctx, q)
}

func question() waybill.Query {
	return waybill.Query{
		Channels: []waybill.ChannelNumber{1, 2}, From: 1767225600, To: 1767312000, Granularity: waybill.HalfHour,
		Zone: time.FixedZone("Asia/Jakarta", 7*3600), Basis: waybill.BySend,
		Where:   []waybill.Filter{{By: waybill.Dimension(waybill.LabelSender), Values: []string{"4917712345", "4917712346"}}},
		GroupBy: []waybill.Dimension{waybill.Dimension(waybill.LabelTemplate), waybill.DimKind},
	}
}

// observe runs ask on a store that takes lag for each question, in a request, and
// returns the lines of the log, and the metrics.
func observe(t *testing.T, lag, slow time.Duration, fail error, ask func(context.Context, waybill.Store) error) (lines []map[string]any, metrics string) {
	t.Helper()
	var log bytes.Buffer
	m := telemetry.New()
	store := dialect.Observe(&lagging{storetest.NewModel(), lag, fail}, dialect.ObservedOptions{
		Metrics: m, Log: slog.New(slog.NewJSONHandler(&log, nil)), Slow: slow,
		Channel: func(n waybill.ChannelNumber) string { return fmt.Sprint("c", n) },
	})
	ctx := dialect.NewScope(t.Context(), "r-1")
	dialect.SetLogAttr(ctx, slog.String("account", "a"), slog.String("operation", "analytics"))
	if err := ask(ctx, store); !errors.Is(err, fail) {
		t.Error(err)
	}
	for text := range strings.Lines(log.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if strings.Contains(log.String(), "49177") {
		t.Errorf("the log has a phone number: %s", log.String())
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	return lines, w.Body.String()
}

func TestSlowQuestions(t *testing.T) {
	broken := errors.New("broken")
	points := func(ctx context.Context, s waybill.Store) error {
		_, err := s.Points(ctx, question())
		return err
	}
	messages := func(ctx context.Context, s waybill.Store) error {
		_, err := s.Messages(ctx, waybill.MessageQuery{
			Channel: 1, Metric: waybill.Metric(waybill.Read), From: 1767225600, To: 1767312000, Limit: 10,
			Where: []waybill.Filter{{By: waybill.Dimension(waybill.LabelSender), Values: []string{"4917712345"}}},
		})
		return err
	}
	segments := func(ctx context.Context, s waybill.Store) error {
		_, err := s.Segments(ctx, waybill.SegmentQuery{Channel: 3, Limit: 20})
		return err
	}
	span := map[string]any{"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
	tests := []struct {
		name string
		ask  func(context.Context, waybill.Store) error
		fail error
		want map[string]any
	}{
		{"points", points, nil, map[string]any{
			"asks": "points", "channels": "c1,c2", "channel_count": 2., "granularity": "half_hour", "zone": "Asia/Jakarta", "basis": "send",
			"group_by": "template,kind", "where": "sender", "values": 2., "found": 0., "from": span["from"], "to": span["to"],
		}},
		{"points that fail", points, broken, map[string]any{"asks": "points", "err": "broken"}},
		{"messages", messages, nil, map[string]any{"asks": "messages", "channels": "c1", "metric": "read", "where": "sender", "values": 1.}},
		{"segments", segments, nil, map[string]any{"asks": "segments", "channels": "c3", "limit": 20.}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lines, metrics := observe(t, 2*time.Second, time.Second, tt.fail, tt.ask)
				if len(lines) != 1 {
					t.Fatalf("lines %v", lines)
				}
				tt.want["msg"], tt.want["level"], tt.want["duration_ms"] = "slow question", "WARN", 2000.
				tt.want["request_id"], tt.want["operation"] = "r-1", "analytics"
				for key, want := range tt.want {
					if got := lines[0][key]; got != want {
						t.Errorf("%s is %v, want %v", key, got, want)
					}
				}
				if !strings.Contains(metrics, "\nwaybill_query_seconds_sum 2\n") {
					t.Error("the question is not counted")
				}
				if lines, _ := observe(t, 999*time.Millisecond, time.Second, tt.fail, tt.ask); len(lines) != 0 {
					t.Errorf("a question that is not slow has %v", lines)
				}
				if lines, _ := observe(t, time.Hour, 0, tt.fail, tt.ask); len(lines) != 0 {
					t.Errorf("a log that is off has %v", lines)
				}
			})
		})
	}
}

// What is not valid is told, and cannot be described.
func TestSlowQuestionsThatAreNotValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines, _ := observe(t, time.Hour, time.Second, nil, func(ctx context.Context, s waybill.Store) error {
			q := question()
			q.Granularity, q.Basis = 99, 99
			if _, err := s.Points(ctx, q); waybill.CodeOf(err) != waybill.Invalid {
				t.Errorf("error %v", err)
			}
			return nil
		})
		if len(lines) != 0 {
			t.Errorf("%v", lines)
		}
	})
}

func TestSlowQuestionsNameFewChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines, _ := observe(t, time.Hour, time.Second, nil, func(ctx context.Context, s waybill.Store) error {
			q := question()
			q.Channels = nil
			for n := range 1000 {
				q.Channels = append(q.Channels, waybill.ChannelNumber(n+1))
			}
			_, err := s.Points(ctx, q)
			return err
		})
		if len(lines) != 1 || lines[0]["channels"] != "c1,c2,c3,c4,c5,c6,c7,c8,c9,c10,..." || lines[0]["channel_count"] != 1000. {
			t.Errorf("%v", lines)
		}
	})
}
