package rest

import (
	"context"
	"strings"
	"testing"

	"waybill"
	"waybill/internal/store/storetest"
)

func TestErasure(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	f.post(`{"channel":"first","message":"a","status":"sent","at":1763640000000,"recipient":"+62 812-000"}
{"channel":"first","message":"b","status":"sent","at":1763640000000,"recipient":"62812001"}`)
	show := func(id string) string {
		return f.do("GET", "/waybill/v1/messages/first/"+id, "token-one", "").Body.String()
	}
	if got := show("a"); !strings.Contains(got, `"recipient":"62812000"`) {
		t.Errorf("the message is %s", got)
	}
	for _, token := range []string{"token-one", "token-reader"} {
		if w := f.do("POST", "/waybill/v1/erasures", token, `{"recipient":"62812000"}`); w.Code != 403 {
			t.Errorf("%s is answered %d %s", token, w.Code, w.Body)
		}
	}
	wantJSON(t, f.do("POST", "/waybill/v1/erasures", f.operator, `{"recipient":"+62812000"}`), 200, `{"messages":1}`)
	wantJSON(t, f.do("POST", "/waybill/v1/erasures", f.operator, `{"recipient":"62812000"}`), 200, `{"messages":0}`)
	if got := show("a") + show("b"); strings.Contains(got, "62812000") || !strings.Contains(got, "62812001") {
		t.Errorf("after the erasure the messages are %s", got)
	}
	if n := f.stored(t); n != 2 {
		t.Errorf("after the erasure %d messages count", n)
	}
	for body, says := range map[string]string{
		"": "the body is empty", `{}`: "recipient is missing", `{"recipient":7}`: "recipient 7 is a number, not a string",
		`{"recipent":"1"}`: `field recipent is unknown, did you mean "recipient"?`, `null`: "the body is null, not an object",
	} {
		wantProblem(t, f.do("POST", "/waybill/v1/erasures", f.operator, body), 400, says)
	}
}

func TestBackupCall(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	wantProblem(t, f.do("POST", "/waybill/v1/backups", f.operator, `{"directory":"/tmp/x"}`), 400, "this server has no store of its own to back up")
	var to []string
	f.opt.Backup = func(_ context.Context, dir string) error {
		to = append(to, dir)
		if len(to) > 1 {
			return waybill.Errorf(waybill.Conflict, "%s exists", dir)
		}
		return nil
	}
	wantJSON(t, f.do("POST", "/waybill/v1/backups", f.operator, `{"directory":"/tmp/x"}`), 200, `{"directory":"/tmp/x"}`)
	wantProblem(t, f.do("POST", "/waybill/v1/backups", f.operator, `{"directory":"/tmp/x"}`), 409, "/tmp/x exists")
	wantProblem(t, f.do("POST", "/waybill/v1/backups", f.operator, `{"directory":"x"}`), 400, `directory "x" is no absolute path`)
	wantProblem(t, f.do("POST", "/waybill/v1/backups", f.operator, `{"dirctory":"/x"}`), 400, `field dirctory is unknown, did you mean "directory"?`)
	if w := f.do("POST", "/waybill/v1/backups", "token-one", `{"directory":"/tmp/y"}`); w.Code != 403 || len(to) != 2 {
		t.Errorf("a tenant is answered %d, and backed up is %q", w.Code, to)
	}
}
