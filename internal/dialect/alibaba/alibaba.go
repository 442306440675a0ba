// Package alibaba speaks the dialect of Alibaba Cloud Chat App Message Service:
// the three metric operations of cams 2020-06-06 are answered, and the reports
// that the vendor pushes come in. Nothing here calls the vendor.
//
// https://www.alibabacloud.com/help/en/chatapp/developer-reference/api-cams-2020-06-06-overview
package alibaba

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
	"waybill/internal/ingest"
	"waybill/internal/telemetry"
)

const (
	dialectName = "alibaba"

	// apiVersion is the only version of the API that there is.
	apiVersion = "2020-06-06"

	// product is what an account subscribes to, and what the actions of
	// policies begin with.
	product = "cams"

	// maxCallBytes bounds the body of a call.
	maxCallBytes = 1 << 20
)

// Options are what an API is made of.
type Options struct {
	Directory *directory.Directory
	Store     waybill.Store
	Recorder  *ingest.Recorder
	Tokens    *Tokens

	Auth   AuthOptions // its Now is taken from here where it is nil
	Limits Limits

	// Delay is how long after Enable the first metrics are shown. The vendor
	// lets a day pass.
	Delay time.Duration

	Now     func() time.Time   // nil is time.Now
	Log     *slog.Logger       // nil logs nothing
	Metrics *telemetry.Metrics // nil counts nothing
}

// An API is the dialect of Alibaba Cloud Chat App Message Service.
type API struct {
	directory *directory.Directory
	store     waybill.Store
	verifier  *verifier
	throttle  *throttle
	receipts  *receipts
	delay     time.Duration
	now       func() time.Time
	log       *slog.Logger

	newest atomic.Pointer[snapshot]
}

var (
	_ dialect.Dialect = (*API)(nil)
	_ dialect.Guide   = (*API)(nil)
)

// New returns an API.
func New(opt Options) *API {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Auth.Now == nil {
		opt.Auth.Now = opt.Now
	}
	a := &API{
		directory: opt.Directory,
		store:     opt.Store,
		verifier:  newVerifier(opt.Auth, opt.Tokens),
		throttle:  newThrottle(opt.Limits, opt.Now),
		receipts: &receipts{
			directory: opt.Directory, recorder: opt.Recorder,
			log: opt.Log, metrics: opt.Metrics, now: opt.Now,
			rejects: rate.Sometimes{Interval: time.Minute},
		},
		delay: opt.Delay,
		now:   opt.Now,
		log:   opt.Log,
	}
	a.verifier.admit = a.throttle.gateway
	return a
}

// Name returns "alibaba".
func (a *API) Name() string { return dialectName }

// Match reports whether r looks like a call of the gateway, all of which go to
// the root. The parameters may be in a form, which can't be read here, so any
// form counts that does not bear the marks of another vendor's calls.
func (a *API) Match(r *http.Request) bool {
	if r.URL.Path != "/" && r.URL.Path != "" {
		return false
	}
	if r.Header["X-Acs-Action"] != nil || strings.HasPrefix(r.Header.Get("Authorization"), "ACS3-") {
		return true
	}
	query := r.URL.Query()
	if query.Has("Action") || query.Has("Signature") {
		return true
	}
	return r.Method == http.MethodPost && isForm(r.Header.Get("Content-Type")) &&
		!query.Has("access_token") && !query.Has("batch") && r.Header.Get("Authorization") == ""
}

// Places returns what to call.
func (a *API) Places() []string {
	places := []string{"POST " + receiptsPath + "{secret}"}
	for _, name := range served {
		places = append(places, "POST /?Action="+name)
	}
	return places
}

// An operation is one that is served.
type operation struct {
	run func(*API, context.Context, *invocation) (any, error)
}

// The operations, by their names. Policies know them as "cams:" and the name.
const (
	enableROI      = "EnableWhatsappROIMetric"
	templateMetric = "GetChatappTemplateMetric"
	phoneMetric    = "GetChatappPhoneNumberMetric"
)

var operations = map[string]operation{
	enableROI:      {(*API).enable},
	templateMetric: {(*API).templateMetric},
	phoneMetric:    {(*API).phoneMetric},
}

// served are the names of the operations, for those who ask for another.
var served = []string{enableROI, templateMetric, phoneMetric}

// hints are what callers of operations that are not served are told.
var hints = map[string]string{
	"EnableWhatsAppROIMetric": "The vendor's prose spells it like that, its SDKs call EnableWhatsappROIMetric.",
	"SendChatappMessage":      sendingHint,
	"SendChatappMassMessage":  sendingHint,
}

const sendingHint = "Messages are sent at the vendor's endpoint. What became of them goes in at POST " +
	receiptsPath + "{secret}, as the vendor's receipts, or at POST /waybill/v1/events."

// errAction is a call of an operation that is not served.
func errAction(name string) error {
	e := *errActionNotFound
	if hint := hints[name]; hint != "" {
		e.message += " " + hint
	}
	e.message += " Served here: " + strings.Join(served, ", ") + "."
	return &e
}

// An invocation is a request on its way to its operation.
type invocation struct {
	*request
	caller
	*snapshot
	id     string // of the request
	action string
}

// ServeHTTP answers calls and takes receipts.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if secret, ok := receiptsSecret(r.URL.Path); ok {
		a.receipts.serve(w, r, secret)
		return
	}
	e := newEncoder(w, r)
	q, err := parseRequest(r, maxCallBytes)
	if err != nil {
		e.fail(a.vendorError(r.Context(), err), err)
		return
	}
	e.format, err = q.format()
	if err == nil {
		c := &invocation{request: q, snapshot: a.snapshot(), id: e.id, action: q.action()}
		var answer any
		if answer, err = a.serve(r.Context(), c); err == nil {
			e.answer(c.action, answer)
			return
		}
	}
	e.fail(a.vendorError(r.Context(), err), err)
}

// serve authenticates, finds the operation, authorizes, throttles and runs it,
// in that order: a stranger learns nothing about which operations exist, and
// costs an account nothing.
func (a *API) serve(ctx context.Context, c *invocation) (any, error) {
	var err error
	if c.caller, err = a.verifier.verify(c.request, c.view); err != nil {
		return nil, err
	}
	dialect.SetLogAttr(ctx, slog.String("account", c.account), slog.String("user", c.user.Name))
	op, err := findOperation(c)
	if err != nil {
		return nil, err
	}
	dialect.SetLogAttr(ctx, slog.String("operation", c.action))
	if err := a.authorize(ctx, c); err != nil {
		return nil, err
	}
	if err := a.throttle.operation(c.action, c.account); err != nil {
		return nil, err
	}
	return op.run(a, ctx, c)
}

// findOperation returns what the call asks for.
func findOperation(c *invocation) (operation, error) {
	switch op, ok := operations[c.action]; {
	case c.action == "":
		return operation{}, errMissing("Action")
	case c.version() == "":
		return operation{}, errMissing("Version")
	case c.version() != apiVersion:
		return operation{}, errInvalid("Version")
	case !ok:
		return operation{}, errAction(c.action)
	default:
		return op, nil
	}
}

// A snapshot is the directory at one moment, with what calls conclude from it
// and the next ones need again. It can be used concurrently.
type snapshot struct {
	view     *directory.View
	rights   sync.Map // of users: *rights by account and name
	catalogs sync.Map // of templates: *catalog by channel
}

// snapshot returns the directory as it stands.
func (a *API) snapshot() *snapshot {
	view := a.directory.View()
	s := a.newest.Load()
	if s == nil || s.view != view {
		s = &snapshot{view: view}
		a.newest.Store(s)
	}
	return s
}
