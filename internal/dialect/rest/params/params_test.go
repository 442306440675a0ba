package params_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"waybill"
	"waybill/internal/dialect/rest/params"
)

type upper string

func (u *upper) ParseParam(name, text string) error {
	if text != strings.ToUpper(text) {
		return waybill.Errorf(waybill.Invalid, "%s %q is not upper case", name, text)
	}
	*u = upper(text)
	return nil
}

type channel struct {
	Channel string `path:"channel" doc:"A channel."`
}

type all struct {
	channel
	Limit   int      `query:"limit" default:"100" min:"1" max:"1000" doc:"Length."`
	At      int      `query:"at" required:"true" min:"0" doc:"When."`
	Prune   bool     `query:"prune" doc:"Whether."`
	Order   string   `query:"order" enum:"value,-count" default:"-count" doc:"Order."`
	Groups  []string `query:"group_by" list:"comma" enum:"template,sender" doc:"Groups."`
	Senders []string `query:"sender" doc:"Senders."`
	Zone    *upper   `query:"zone" doc:"A zone."`
	Body    struct{} `body:""`
}

func TestDecode(t *testing.T) {
	utc := upper("UTC")
	for _, tt := range []struct {
		query string
		want  any // an all, or an error
	}{
		{"at=0", all{Limit: 100, Order: "-count"}},
		{"at=5&limit=1000&prune=true&order=value", all{At: 5, Limit: 1000, Prune: true, Order: "value"}},
		{"at=5&group_by=sender,template", all{At: 5, Limit: 100, Order: "-count", Groups: []string{"sender", "template"}}},
		{"sender=a&at=5&sender=&sender=a", all{At: 5, Limit: 100, Order: "-count", Senders: []string{"a", "", "a"}}},
		{"at=1&zone=UTC", all{At: 1, Limit: 100, Order: "-count", Zone: &utc}},
		{"", `parameter at is missing`},
		{"at=-1", `at -1 is less than 0`},
		{"at=", `at "" is not an integer`},
		{"at=1&at=2", `parameter at is given 2 times`},
		{"at=1&limit=0", `limit 0 is not between 1 and 1000`},
		{"at=1&limit=1001", `limit 1001 is not between 1 and 1000`},
		{"at=1&limit=99999999999999999999", `limit "99999999999999999999" is not an integer between 1 and 1000`},
		{"at=1&prune=yes", `prune "yes" is neither true nor false`},
		{"at=1&order=count", `order "count" is not one of value, -count, did you mean "-count"?`},
		{"at=1&group_by=sender,sender", `group_by names "sender" twice`},
		{"at=1&group_by=sender,", `group_by "" is not one of template, sender`},
		{"at=1&group_by=sender&group_by=template", `parameter group_by is given 2 times`},
		{"at=1&zone=utc", `zone "utc" is not upper case`},
		{"at=1&sendr=a", `parameter "sendr" is unknown, did you mean "sender"?`},
		{"at=1&channel=c", `parameter "channel" is unknown: known are limit, at, prune, order, group_by, sender, zone`},
		{"at=1&sender=%ff", `sender "\xff" is not UTF-8`},
		{"at=1;limit=2", `the query: invalid semicolon separator in query`},
		{"at=1" + strings.Repeat("&sender=a", 1001), `parameter sender has 1001 values, more than 1000`},
	} {
		t.Run(fmt.Sprintf("%.60s", tt.query), func(t *testing.T) {
			var in all
			err := setOf[all](t).Decode(map[string]string{"channel": "c"}, tt.query, &in)
			if want, ok := tt.want.(string); ok {
				if err == nil || err.Error() != want || waybill.CodeOf(err) != waybill.Invalid {
					t.Errorf("error %v, want %s", err, want)
				}
				return
			}
			want := tt.want.(all)
			want.Channel = "c"
			if err != nil || !reflect.DeepEqual(in, want) {
				t.Errorf("%+v, %v, want %+v", in, err, want)
			}
		})
	}
}

func setOf[T any](t *testing.T) *params.Set {
	t.Helper()
	s, err := params.Of(reflect.TypeFor[T]())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPathIsText(t *testing.T) {
	var in all
	err := setOf[all](t).Decode(map[string]string{"channel": "a\xc3"}, "at=1", &in)
	if want := `channel "a\xc3" is not UTF-8`; err == nil || err.Error() != want || waybill.CodeOf(err) != waybill.Invalid {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestCallWithoutParameters(t *testing.T) {
	var in struct{}
	err := setOf[struct{}](t).Decode(nil, "pretty=1", &in)
	if want := `parameter "pretty" is unknown: the call takes none`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestMistakesOfTypes(t *testing.T) {
	for want, in := range map[string]any{
		"has no doc": struct {
			A int `query:"a"`
		}{},
		"has no name": struct {
			A int `query:"" doc:"A."`
		}{},
		"the name a is taken": struct {
			A int `query:"a" doc:"A."`
			B int `path:"a" doc:"B."`
		}{},
		`a 3 is not between 1 and 2`: struct {
			A int `query:"a" default:"3" min:"1" max:"2" doc:"A."`
		}{},
		`a "z" is not one of x, y`: struct {
			A []string `query:"a" example:"z" enum:"x,y" doc:"A."`
		}{},
		"has the type float64": struct {
			A float64 `query:"a" doc:"A."`
		}{},
		"a slice of int, not of strings": struct {
			A []int `query:"a" doc:"A."`
		}{},
		"can be no list": struct {
			A string `query:"a" list:"comma" doc:"A."`
		}{},
		"invalid syntax": struct {
			A int `query:"a" min:"x" doc:"A."`
		}{},
		"are a struct, not int": 5,
	} {
		_, err := params.Of(reflect.TypeOf(in))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// Whatever a query is, it is read or refused as Invalid.
func FuzzDecode(f *testing.F) {
	for _, query := range []string{"at=1&limit=5&sender=a&group_by=sender", "at=%zz", "&&=", "at=1;b", "zone=A&at=0"} {
		f.Add(query)
	}
	s, err := params.Of(reflect.TypeFor[all]())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query string) {
		var in all
		err := s.Decode(map[string]string{"channel": "c"}, query, &in)
		switch {
		case err != nil && waybill.CodeOf(err) != waybill.Invalid:
			t.Errorf("error %v", err)
		case err == nil && (in.Limit < 1 || in.Limit > 1000 || in.At < 0 || in.Channel != "c"):
			t.Errorf("%q gives %+v", query, in)
		}
	})
}
