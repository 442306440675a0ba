// Package openapi holds the answers of a running demo against its OpenAPI document.
package openapi

import (
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

// A waybill is a demo that runs until its test ends.
type waybill struct {
	dir string
	URL string `json:"url"`

	Admin   string `json:"admin_token"`
	Alibaba struct {
		Channel   string   `json:"cust_space_id"`
		Templates []string `json:"template_codes"`
	}
	Meta struct {
		Token string `json:"access_token"`
	}
}

// program returns the path of the program: WAYBILL_BIN, or one that it builds.
func program(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("WAYBILL_BIN"); bin != "" {
		return bin
	}
	bin := filepath.Join(t.TempDir(), "waybill")
	if out, err := exec.Command("go", "-C", "../..", "build", "-o", bin, "./cmd/waybill").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// startedWithin is how long a demo may take to be ready.
const startedWithin = time.Minute

// start runs a demo with a week of traffic. The file that it writes when it is
// ready is waited for.
func start(t *testing.T, flags ...string) *waybill {
	t.Helper()
	w := &waybill{dir: t.TempDir()}
	data := filepath.Join(w.dir, "data")
	args := append([]string{"demo", "--data", data, "--days=7", "--listen=127.0.0.1:0", "--admin-listen="}, flags...)
	cmd := exec.Command(program(t), args...)
	log, err := os.Create(filepath.Join(w.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		<-ended
		_ = log.Close() // nothing is written any more
	})
	for deadline := time.Now().Add(startedWithin); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(data, "demo.json"))
		if err == nil && json.Unmarshal(text, w) == nil {
			return w
		}
		if time.Now().After(deadline) {
			lines, _ := os.ReadFile(log.Name()) // only to be shown
			t.Fatalf("the demo is not ready: %v\n%s", err, lines)
		}
	}
}

// An answer is what came back, with the request.
type answer struct {
	request  *http.Request
	response *http.Response
	body     []byte
}

// call sends a request, with a token if there is one.
func (w *waybill) call(t *testing.T, method, path, token, body string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.URL+"/waybill/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{r, response, text}
}

func (a answer) String() string {
	return fmt.Sprintf("%s %s is answered %d %.500s", a.request.Method, a.request.URL, a.response.StatusCode, a.body)
}
