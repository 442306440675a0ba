package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

// update writes what the scripts compare with, as it is now.
var update = flag.Bool("update", false, "rewrite what testdata/*.txtar compares with")

// TestScripts runs the command lines in testdata/*.txtar.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Values[serverOf] = &scriptServer{t: t}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"server": serverCommand, "compress": compressCommand,
		},
	})
}

// A scriptServer is the server that a script has started, if any.
type scriptServer struct {
	t       testing.TB
	running *process
}

const serverOf = "server"

// serverCommand is "server DATA [FLAG]...", which starts a server and sets URL to
// its address and TOKEN to the operator's token, and "server stop". It is stopped
// at the end of the script anyway.
func serverCommand(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(serverOf).(*scriptServer)
	if len(args) == 0 {
		ts.Fatalf("usage: server DATA [FLAG]..., or server stop")
	}
	if args[0] == "stop" {
		s.running.stop()
		return
	}
	dir := ts.MkAbs(args[0])
	cmd := waybillCmd(append([]string{
		"serve", "--data", dir, "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--log-format=json",
	}, args[1:]...)...)
	cmd.Dir = ts.MkAbs(".")
	s.running = startCmd(s.t, cmd, false)
	ts.Setenv("URL", s.running.url)
	token, err := os.ReadFile(filepath.Join(dir, adminTokenFile))
	ts.Check(err)
	ts.Setenv("TOKEN", strings.TrimSpace(string(token)))
}

// compressCommand is "compress gzip|zstd FROM TO".
func compressCommand(ts *testscript.TestScript, _ bool, args []string) {
	var out bytes.Buffer
	text := ts.ReadFile(args[1])
	switch args[0] {
	case "gzip":
		w := gzip.NewWriter(&out)
		_, err := w.Write([]byte(text))
		ts.Check(err)
		ts.Check(w.Close())
	case "zstd":
		w, err := zstd.NewWriter(&out)
		ts.Check(err)
		_, err = w.Write([]byte(text))
		ts.Check(err)
		ts.Check(w.Close())
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), out.Bytes(), 0o600))
}
