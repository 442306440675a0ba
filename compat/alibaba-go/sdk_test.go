package alibaba

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/alibabacloud-go/tea/tea"
)

// The operations.
const (
	enable         = "EnableWhatsappROIMetric"
	templateMetric = "GetChatappTemplateMetric"
	phoneMetric    = "GetChatappPhoneNumberMetric"
)

// A key is what a user signs calls with.
type key struct {
	ID     string `json:"AccessKeyId"`
	Secret string `json:"AccessKeySecret"`
	Token  string `json:"SecurityToken"`
}

// keyOf returns the access key of a user of the test data.
func keyOf(user string) key { return key{ID: user, Secret: "secret-of-" + user} }

// A way is one to sign. Its value is what the SDK calls it.
type way string

const (
	v3 way = "" // the default
	v1 way = "v2"
)

func (w way) String() string {
	if w == v1 {
		return "V1"
	}
	return "V3"
}

func ways() []way { return []way{v3, v1} }

// system are parameters that the SDK makes up where they are empty.
type system struct{ date, nonce, format string }

// options returns the options of a call that carry s.
func (s system) options(w way) *dara.RuntimeOptions {
	date, nonce := "x-acs-date", "x-acs-signature-nonce"
	headers, queries := make(map[string]*string), make(map[string]*string)
	given := headers
	if w == v1 {
		date, nonce, given = "Timestamp", "SignatureNonce", queries
	}
	set := func(in map[string]*string, name, value string) {
		if value != "" {
			in[name] = &value
		}
	}
	set(given, date, s.date)
	set(given, nonce, s.nonce)
	set(queries, "Format", s.format)
	return &dara.RuntimeOptions{ExtendsParameters: &dara.ExtendsParameters{Headers: headers, Queries: queries}}
}

// A client calls a server by the vendor's SDK.
type client struct {
	way way
	sdk *openapi.Client
}

func newClient(endpoint string, w way, k key) (*client, error) {
	config := &openapiutil.Config{
		AccessKeyId: &k.ID, AccessKeySecret: &k.Secret,
		Endpoint: &endpoint, Protocol: tea.String("http"),
	}
	if k.Token != "" {
		config.SecurityToken = &k.Token
	}
	if w != v3 {
		config.SignatureAlgorithm = tea.String(string(w))
	}
	sdk, err := openapi.NewClient(config)
	return &client{w, sdk}, err
}

// An answer is the body of all three operations, in the types of the SDK.
type answer struct {
	AccessDeniedDetail *string
	Code               *string
	Message            *string
	RequestID          *string `json:"RequestId"`
	Data               []row
}

// A row is one of either operation. What one lacks is nil.
type row struct {
	TemplateCode   *string
	Language       *string
	PhoneNumber    *string
	Granularity    *string
	SentCount      *int32
	DeliveredCount *int32
	ReadCount      *int32
	Cliented       []click
	Start          *int64
	End            *int64
}

type click struct {
	Type          *string
	ButtonContent *string
	Count         *int32
}

// call does what the methods of the vendor's package for cams do. Its error is a
// refusal where the server answered with one.
func (c *client) call(operation string, parameters map[string]any, s system) (answer, error) {
	params := &openapiutil.Params{
		Action: &operation, Version: tea.String("2020-06-06"), Protocol: tea.String("HTTPS"),
		Pathname: tea.String("/"), Method: tea.String("POST"), AuthType: tea.String("AK"),
		Style: tea.String("RPC"), ReqBodyType: tea.String("formData"), BodyType: tea.String("json"),
	}
	request := &openapiutil.OpenApiRequest{Query: openapiutil.Query(maps.Clone(parameters))}
	result, err := c.sdk.CallApi(params, request, s.options(c.way))
	if err != nil {
		return answer{}, refused(err)
	}
	var a struct {
		Body answer `json:"body"`
	}
	return a.Body, dara.Convert(result, &a)
}

// A refusal is an error that the server answered with.
type refusal struct {
	status        int
	code, message string
	requestID     string
	accessDenied  map[string]any
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

// refused returns err as a refusal, having checked that the SDK found everything
// where it looks for it.
func refused(err error) error {
	e, ok := errors.AsType[*tea.SDKError](err)
	if !ok || e.StatusCode == nil {
		return err
	}
	var body struct {
		Code, Message string
		RequestID     string `json:"RequestId"`
		StatusCode    int    `json:"statusCode"`
	}
	if err := json.Unmarshal([]byte(tea.StringValue(e.Data)), &body); err != nil {
		return fmt.Errorf("data of %w: %w", e, err)
	}
	r := &refusal{
		status: tea.IntValue(e.StatusCode), code: tea.StringValue(e.Code), message: body.Message,
		requestID: body.RequestID, accessDenied: e.AccessDeniedDetail,
	}
	want := fmt.Sprintf("code: %d, %s request id: %s", r.status, body.Message, body.RequestID)
	if got := tea.StringValue(e.Message); r.code != body.Code || got != want || !requestID.MatchString(body.RequestID) {
		return fmt.Errorf("the SDK took %s for %s, %s", tea.StringValue(e.Data), r.code, got)
	}
	return r
}

var requestID = regexp.MustCompile(`^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$`)

// ok returns what is wrong with the answer as a success.
func (a *answer) ok() error {
	if !requestID.MatchString(tea.StringValue(a.RequestID)) {
		return fmt.Errorf("request ID is %q", tea.StringValue(a.RequestID))
	}
	for _, f := range []struct {
		name string
		is   *string
		want string
	}{{"Code", a.Code, "OK"}, {"Message", a.Message, "None"}, {"AccessDeniedDetail", a.AccessDeniedDetail, "None"}} {
		if got := cmp.Or(tea.StringValue(f.is), "absent"); got != f.want {
			return fmt.Errorf("%s is %s, not %s", f.name, got, f.want)
		}
	}
	return nil
}

// show returns v as JSON on a line for each element.
func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(string(text), "},{", "},\n{")
}
