package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// asBinary makes the test binary behave as waybill itself, so that tests drive
// a real process, or as one of the baselines of a benchmark.
const asBinary = "WAYBILL_TEST_AS_BINARY"

func TestMain(m *testing.M) {
	switch baseline := os.Getenv(asBinary); baseline {
	case "":
	case "waybill":
		main()
	default:
		runBaseline(baseline, os.Args[1:])
	}
	testscript.Main(m, map[string]func(){"waybill": main})
}

// waybillCmd returns the command of the real program.
func waybillCmd(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asBinary+"=waybill")
	return cmd
}

// A process is a running server.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	url   string
	admin string
	log   *follower
	done  chan struct{}
}

// start runs a command that serves, on ports of the system's choice, and waits
// until it is ready.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	return startTo(t, io.Discard, args...)
}

// startTo is start with a place for what the command prints.
func startTo(t testing.TB, out io.Writer, args ...string) *process {
	t.Helper()
	args = append(args, "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--log-format=json")
	cmd := waybillCmd(args...)
	cmd.Stdout = out
	return startCmd(t, cmd, args[0] == "demo")
}

// startCmd starts a server. That of a demo is ready only when it says so.
func startCmd(t testing.TB, cmd *exec.Cmd, demo bool) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, log: newFollower(), done: make(chan struct{})}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill() })
	ready := make(chan struct{})
	last := "ready"
	if demo {
		last = "wrote the credentials"
	}
	go p.read(stderr, last, ready)
	select {
	case <-ready:
	case <-p.done:
		t.Fatalf("%v ended at once:\n%s", cmd.Args, p.log)
	case <-time.After(2 * time.Minute):
		t.Fatalf("%v is not ready after two minutes", cmd.Args)
	}
	return p
}

// read follows the log until the process ends. The message last tells that it is
// ready.
func (p *process) read(stderr io.Reader, last string, ready chan struct{}) {
	defer close(p.done)
	lines := bufio.NewReader(stderr)
	for {
		text, err := lines.ReadBytes('\n')
		_, _ = p.log.Write(text) // it takes all
		if err != nil {
			return
		}
		var line struct{ Msg, URL, Admin string }
		if json.Unmarshal(text, &line) != nil {
			continue // not a line of the log, such as a panic
		}
		if line.Msg == "ready" {
			p.url, p.admin = line.URL, line.Admin
		}
		if line.Msg == last {
			close(ready)
			_, _ = io.Copy(p.log, lines)
			return
		}
	}
}

// kill ends the process as a crash would.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
	p.cmd.Wait()
}

// stop ends the process as an operator would, and checks that it ends well.
func (p *process) stop() {
	p.t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.done
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("stopped: %v\n%s", err, p.log)
	}
}

// apply makes the directory of the data what text says.
func apply(t testing.TB, dir, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "directory.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := waybillCmd("apply", "--data", dir, "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("apply: %v\n%s", err, out)
	}
}

// A reply is an answer over HTTP.
type reply struct {
	status int
	header http.Header
	body   string
}

// client keeps its connections apart from those of other tests.
func send(t testing.TB, client *http.Client, method, url, body string, headers ...string) reply {
	t.Helper()
	r, err := trySend(client, method, url, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func trySend(client *http.Client, method, url, body string, headers ...string) (reply, error) {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(text)}, err
}

func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		Timeout:   time.Minute,
	}
}

// sign returns the value of X-Hub-Signature-256.
func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// webhook posts a signed body.
func (p *process) webhook(client *http.Client, app, secret, body string) reply {
	p.t.Helper()
	return send(p.t, client, http.MethodPost, p.url+"/webhooks/meta/"+app, body,
		"Content-Type", "application/json", "X-Hub-Signature-256", sign(secret, body))
}

// A status is one element of statuses in a webhook.
type status struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	Timestamp string `json:"timestamp"`
	Recipient string `json:"recipient_id"`
	Callback  string `json:"biz_opaque_callback_data,omitempty"`
}

func newStatus(id, name string, at int64) status {
	return status{ID: id, Status: name, Timestamp: fmt.Sprint(at), Recipient: "16505551234"}
}

// statusBody returns a webhook body with the statuses.
func statusBody(waba, phone string, statuses ...status) string {
	value := map[string]any{
		"messaging_product": "whatsapp",
		"metadata":          map[string]string{"display_phone_number": phone, "phone_number_id": "106540352242922"},
		"statuses":          statuses,
	}
	body, err := json.Marshal(map[string]any{
		"object": "whatsapp_business_account",
		"entry":  []any{map[string]any{"id": waba, "changes": []any{map[string]any{"field": "messages", "value": value}}}},
	})
	if err != nil {
		panic(err)
	}
	return string(body)
}
