package meta

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
	"waybill/internal/ingest"
	"waybill/internal/telemetry"
)

const (
	// maxWebhookBytes is the largest payload that Meta sends.
	//
	// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
	maxWebhookBytes = 3 << 20

	// decodedPerByte is the memory that a byte of a webhook becomes at most:
	// a status of 52 bytes is an event of some 480, beside the text that the
	// events share.
	decodedPerByte = 11
)

// WebhookOptions are what a Webhook is made of. Metrics may be nil.
type WebhookOptions struct {
	Directory *directory.Directory
	Recorder  *ingest.Recorder
	Parking   *ingest.Parking
	Log       *slog.Logger
	Metrics   *telemetry.Metrics
	Now       func() time.Time
}

// A Webhook receives the webhooks of Meta apps, at /webhooks/meta/{app-id}, and
// at /webhooks/meta where there is exactly one app. A body is answered with 200
// once all that it reports is durable.
type Webhook struct {
	directory *directory.Directory
	recorder  *ingest.Recorder
	parking   *ingest.Parking
	log       *slog.Logger
	metrics   *telemetry.Metrics
	now       func() time.Time
	rejects   rate.Sometimes // tells the log, where any tenant could fill it
	signers   sync.Pool      // of *signer, of any app
	decodings sync.Pool
	events    sync.Pool // of *[]waybill.Event, for the next webhook
}

// NewWebhook returns a Webhook. Its ReplayParked belongs to the directory's
// OnChannel, and its ReplayAll to the start.
func NewWebhook(o WebhookOptions) *Webhook {
	return &Webhook{
		directory: o.Directory, recorder: o.Recorder, parking: o.Parking,
		log: o.Log, metrics: o.Metrics, now: o.Now,
		rejects:   rate.Sometimes{Interval: time.Minute},
		decodings: sync.Pool{New: func() any { return new(decoding) }},
		events:    sync.Pool{New: func() any { return new([]waybill.Event) }},
	}
}

// decode returns what a webhook reports.
func (h *Webhook) decode(body []byte, received waybill.Instant) ([]report, tally, error) {
	d := h.decodings.Get().(*decoding)
	defer h.decodings.Put(d)
	defer d.release()
	d.events = *h.events.Get().(*[]waybill.Event)
	return d.decode(body, received)
}

var (
	jsonType = []string{"application/json; charset=utf-8"}
	taken    = []byte(`{"success":true}`)
)

// ServeHTTP answers the handshake (GET) and takes webhooks (POST).
func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		dialect.SetLogAttr(r.Context(), slog.String("operation", "handshake"))
		challenge, err := h.handshake(r)
		if err != nil {
			h.writeError(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write([]byte(challenge)) // fails when the caller is gone
	case http.MethodPost:
		dialect.SetLogAttr(r.Context(), slog.String("operation", "webhook"))
		if err := h.receive(r); err != nil {
			h.writeError(w, r, err)
			return
		}
		w.Header()["Content-Type"] = jsonType
		_, _ = w.Write(taken) // fails when the caller is gone
	default:
		w.Header().Set("Allow", "GET, POST")
		h.writeError(w, r, errWebhook(http.StatusMethodNotAllowed, 100, "method "+r.Method+" is neither GET nor POST"))
	}
}

// app returns the app that the path names. The zero App stands for one that does
// not exist: it has no secret and no verify token, so that nothing is valid for
// it, and the answer to a wrong signature is the same as if it existed.
func (h *Webhook) app(view *directory.View, path string) waybill.App {
	if id := appOf(path); id != "" {
		app, _ := view.App(id)
		return app
	}
	if apps := view.Apps(); len(apps) == 1 {
		return apps[0]
	}
	return waybill.App{}
}

// appOf returns what follows the name of the dialect in the path of a webhook.
func appOf(path string) string {
	if id, ok := strings.CutPrefix(path, webhookPath+"/"); ok && strings.IndexByte(id, '/') < 0 {
		return id
	}
	parts := splitPath(path) // of one with more slashes than it needs
	return strings.Join(parts[min(2, len(parts)):], "/")
}

// webhookPath is where webhooks go.
const webhookPath = "/webhooks/" + dialectName

// plainChallenge is what a challenge must look like to be sent back. Meta's are
// numbers.
var plainChallenge = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,256}$`)

// handshake returns the challenge of who knows the app's verify token.
//
// https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests
func (h *Webhook) handshake(r *http.Request) (challenge string, err error) {
	query := r.URL.Query()
	app := h.app(h.directory.View(), r.URL.Path)
	if mode := query.Get("hub.mode"); mode != "subscribe" {
		return "", errWebhook(http.StatusBadRequest, 100, "hub.mode is not subscribe")
	}
	if !sameToken(app.VerifyToken, query.Get("hub.verify_token")) {
		return "", errWebhook(http.StatusForbidden, 2200, "hub.verify_token is not that of the app")
	}
	if challenge = query.Get("hub.challenge"); !plainChallenge.MatchString(challenge) {
		return "", errWebhook(http.StatusBadRequest, 2201, "hub.challenge is not 1 to 256 letters, digits and -._~")
	}
	return challenge, nil
}

// receive takes one webhook. It returns nil when all that the webhook reports is
// durable, or is not for Waybill.
func (h *Webhook) receive(r *http.Request) error {
	view := h.directory.View()
	app := h.app(view, r.URL.Path)
	body, err := h.readSigned(r, app)
	if err != nil {
		return err
	}
	ctx := r.Context()
	dialect.SetLogAttr(ctx, slog.String("app", app.ID), slog.String("account", app.Account))
	received := waybill.InstantOf(h.now())
	reports, tally, err := h.decode(body, received)
	if err != nil {
		return err
	}
	b := route(view, app.Account, reports, tally)
	b.count(h)
	dialect.SetLogAttr(ctx, slog.Int("events", len(b.events)))
	if len(b.unowned) > 0 {
		dialect.SetLogAttr(ctx, slog.Any("unowned", b.unowned[:min(len(b.unowned), maxLoggedAccounts)]))
	}
	if _, err := h.record(ctx, &b, app.Account); err != nil {
		return h.retryLater(ctx, err)
	}
	if err := h.park(ctx, &b, &app, received); err != nil {
		return h.retryLater(ctx, err)
	}
	return nil
}

// maxLoggedAccounts bounds how many accounts of nobody a line of the log names.
const maxLoggedAccounts = 10

// readSigned returns the body of a webhook that app has signed. Where no
// signature can be valid, the body is not read: it would only take memory from
// those that can be.
//
// That tells a stranger which apps exist, by the time to the answer or by never
// sending the body. The IDs of apps are public, and knowing that one is served
// here opens nothing.
func (h *Webhook) readSigned(r *http.Request, app waybill.App) ([]byte, error) {
	signature, ok := signatureOf(r.Header)
	if !ok {
		return nil, errSignature()
	}
	if err := checkContent(r.Header); err != nil {
		return nil, err
	}
	if err := dialect.CheckLength(r, maxWebhookBytes); err != nil {
		return nil, err
	}
	if len(app.Secrets) == 0 {
		return nil, errSignature()
	}
	body, err := dialect.ReadBody(r, maxWebhookBytes)
	if err != nil {
		return nil, err
	}
	if !h.signed(app, body, signature) {
		return nil, errSignature()
	}
	dialect.Trust(r.Context())
	return body, dialect.Hold(r.Context(), decodedPerByte*int64(len(body)))
}

func errSignature() error {
	return errWebhook(http.StatusUnauthorized, 190,
		"X-Hub-Signature-256 is not sha256= and the signature of the body under a secret of the app")
}

// checkContent refuses what is evidently no webhook of Meta's, which are plain
// JSON.
func checkContent(h http.Header) error {
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return errWebhook(http.StatusUnsupportedMediaType, 100,
			"content encoding "+strconv.Quote(clip(encoding))+" is not taken here: send the body as it is signed")
	}
	text := h.Get("Content-Type")
	if text == "" || text == "application/json" {
		return nil
	}
	kind, _, _ := mime.ParseMediaType(text)
	switch {
	case kind == "application/json", kind == "text/json", kind == "text/plain", strings.HasSuffix(kind, "+json"):
		return nil
	}
	return errWebhook(http.StatusUnsupportedMediaType, 100,
		"content type "+strconv.Quote(clip(text))+" is not application/json")
}

// retryLater turns the failure to record a webhook into one that makes Meta send
// it again.
func (h *Webhook) retryLater(ctx context.Context, err error) error {
	wait := time.Second
	if e, ok := errors.AsType[*waybill.Error](err); ok && e.Code == waybill.Unavailable {
		wait = max(wait, e.RetryAfter)
	} else if ctx.Err() == nil { // else the caller has gone
		h.log.ErrorContext(ctx, "meta: webhook not recorded", "err", err)
	}
	return &waybill.Error{Code: waybill.Unavailable, Message: "the webhook can't be recorded now", RetryAfter: wait}
}

func errWebhook(status, code int, message string) error {
	return &graphError{status: status, code: code, kind: typeOAuth, message: message}
}

// writeError is the only place where a failed webhook is answered. The body is
// an error as the Graph API has it.
func (h *Webhook) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := h.answer(w, r, err)
	dialect.SetLogAttr(r.Context(), slog.String("err", e.message))
	var body envelope
	body.Error.Message, body.Error.Type, body.Error.Code = e.message, e.kind, e.code
	body.Error.Transient, body.Error.TraceID = e.transient, newTraceID()
	dialect.WriteJSON(w, e.status, body)
}

// answer returns the error that the caller gets for err.
func (h *Webhook) answer(w http.ResponseWriter, r *http.Request, err error) *graphError {
	if e, ok := errors.AsType[*graphError](err); ok {
		return e
	}
	e := &graphError{kind: typeOAuth, message: err.Error()}
	known, _ := errors.AsType[*waybill.Error](err)
	switch waybill.CodeOf(err) {
	case waybill.Invalid:
		e.status, e.code = http.StatusBadRequest, 100
	case waybill.TooLarge:
		e.status, e.code = http.StatusRequestEntityTooLarge, 100
	case waybill.Unavailable:
		e.status, e.code, e.transient = http.StatusServiceUnavailable, 2, true
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(known.RetryAfter.Seconds()))))
	default:
		h.log.ErrorContext(r.Context(), "meta: webhook failed", "err", err)
		e.status, e.code, e.message = http.StatusInternalServerError, 1, "an unknown error occurred"
	}
	return e
}
