// Package alibaba runs the vendor's SDK for Go as a client of Waybill.
package alibaba

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	root     = "../.." // of the repository
	testdata = "../testdata/alibaba/"
)

// program is the path of the program.
var program = os.Getenv("WAYBILL_BIN")

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run builds the program, unless WAYBILL_BIN names one, and runs the tests.
func run(m *testing.M) (code int, err error) {
	if program == "" {
		dir, err := os.MkdirTemp("", "waybill-compat-")
		if err != nil {
			return 1, err
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "waybill")
		build := exec.Command("go", "-C", root, "build", "-o", program, "./cmd/waybill")
		if out, err := build.CombinedOutput(); err != nil {
			return 1, fmt.Errorf("build: %w\n%s", err, out)
		}
	}
	return m.Run(), nil
}

// decode reads a JSON file of the test data into v.
func decode(t *testing.T, name string, v any) {
	t.Helper()
	text, err := os.ReadFile(testdata + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// A waybill is an installation in a directory of its own.
type waybill struct {
	data     string
	url      string
	endpoint string // host and port
	log      bytes.Buffer
	done     chan struct{}
}

// newWaybill returns an installation with the tenants of the test data.
func newWaybill(t *testing.T) *waybill {
	t.Helper()
	w := &waybill{data: filepath.Join(t.TempDir(), "data"), done: make(chan struct{})}
	command(t, "apply", "--data", w.data, "-f", testdata+"directory.yaml")
	return w
}

// command runs the program to its end and returns what it printed.
func command(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Stderr = new(bytes.Buffer)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("waybill %s: %v\n%s", strings.Join(args, " "), err, cmd.Stderr)
	}
	return out
}

// sts returns a new temporary key of a user.
func (w *waybill) sts(t *testing.T, account, user string, flags ...string) (k key) {
	t.Helper()
	args := append([]string{"keys", "sts", "--data", w.data, "--account", account, "--user", user}, flags...)
	out := command(t, args...)
	if err := json.Unmarshal(out, &k); err != nil || k.Token == "" {
		t.Fatalf("keys sts printed %s: %v", out, err)
	}
	return k
}

// start runs a command that serves until the test ends, and waits for a line of
// its log.
func (w *waybill) start(t *testing.T, last string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, append(args, "--data", w.data,
		"--listen=127.0.0.1:0", "--admin-listen=", "--log-format=json")...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// An orderly stop would wait for the connections of the SDK.
		cmd.Process.Kill()
		<-w.done
		cmd.Wait()
	})
	ready := make(chan struct{})
	go w.read(stderr, last, ready)
	select {
	case <-ready:
	case <-w.done:
		t.Fatalf("waybill ended at once:\n%s", &w.log)
	case <-time.After(time.Minute):
		t.Fatal("waybill is not ready after a minute")
	}
}

// read follows the log. The message last tells that the server is ready.
func (w *waybill) read(stderr io.Reader, last string, ready chan struct{}) {
	defer close(w.done)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		w.log.WriteString(lines.Text() + "\n")
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue // no line of the log, such as a panic
		}
		if line.Msg == "ready" {
			w.url = line.URL
			w.endpoint = strings.TrimPrefix(line.URL, "http://")
		}
		if line.Msg == last {
			close(ready)
		}
	}
}

// An event is one of Waybill's own.
type event struct {
	Channel   string `json:"channel"`
	Message   string `json:"message"`
	Status    string `json:"status"`
	At        int64  `json:"at"` // in milliseconds
	Sender    string `json:"sender"`
	Recipient string `json:"recipient"`
	Template  string `json:"template"`
	Language  string `json:"language"`
}

// post records events.
func (w *waybill) post(t *testing.T, events ...event) {
	t.Helper()
	body, err := json.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	w.postText(t, body)
}

// postText records events, with the operator's token.
func (w *waybill) postText(t *testing.T, body []byte) {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(w.data, "admin-token"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/waybill/v1/events", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var got struct{ Rejected []any }
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil || response.StatusCode != 200 || len(got.Rejected) > 0 {
		t.Fatalf("events: %s, rejected %v, %v", response.Status, got.Rejected, err)
	}
}

// serve starts a server that has the events of the test data.
func (w *waybill) serve(t *testing.T) {
	t.Helper()
	w.start(t, "ready", "serve")
	events, err := os.ReadFile(testdata + "events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	w.postText(t, events)
}

// client returns a client of the server.
func (w *waybill) client(t *testing.T, by way, k key) *client {
	t.Helper()
	c, err := newClient(w.endpoint, by, k)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
