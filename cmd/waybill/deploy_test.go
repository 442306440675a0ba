//go:build linux

package main

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestUnit has systemd check deploy/waybill.service.
func TestUnit(t *testing.T) {
	analyze := needs(t, "systemd-analyze", "systemd")
	text, err := os.ReadFile(root + "/deploy/waybill.service")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "waybill.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/waybill", program)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), analyze, "verify", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("verify: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "security", "--no-pager", "--offline=true", unit).CombinedOutput()
	if err != nil {
		t.Fatalf("security: %v\n%s", err, out)
	}
	level := regexp.MustCompile(`Overall exposure level for \S+: ([\d.]+)`).FindSubmatch(out)
	if level == nil {
		t.Fatalf("no level in\n%s", out)
	}
	if v, err := strconv.ParseFloat(string(level[1]), 64); err != nil || v > 1.5 {
		t.Errorf("the exposure is %s, more than 1.5:\n%s", level[1], out)
	}
}

// TestSettingsFile reads the example of a file of settings, with all that is
// commented out in it.
func TestSettingsFile(t *testing.T) {
	text, err := os.ReadFile(root + "/deploy/waybill.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`(?m)^# ([a-z-]+: )`).ReplaceAllString(string(text), "$1")
	file := filepath.Join(t.TempDir(), "waybill.yaml")
	if err := os.WriteFile(file, []byte(all), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := waybillCmd("--config", file, "config", "serve").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	from := regexp.MustCompile("file, " + regexp.QuoteMeta(file))
	if n := len(from.FindAllString(string(out), -1)); n != 8 {
		t.Errorf("%d settings come from the file, want 8:\n%s", n, out)
	}
}

// dockerUser is who the container of deploy/Dockerfile runs as.
const dockerUser = 65532

// TestContainer runs the program as the container does: alone in an empty root,
// as a user that owns nothing but the data.
func TestContainer(t *testing.T) {
	if os.Getuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("only root can change the root of a process")
		}
		t.Skip("only root can change the root of a process")
	}
	docker := readDockerfile(t)
	image := t.TempDir()
	copyStatic(t, filepath.Join(image, "waybill"))
	data := filepath.Join(image, "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, dockerUser, dockerUser); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "directory.yaml"), []byte(killTenants), 0o644); err != nil {
		t.Fatal(err)
	}
	inside := func(command ...string) *exec.Cmd {
		return &exec.Cmd{
			Path: command[0], Args: command, Dir: "/", Env: append(docker.env, asBinary+"=waybill"),
			SysProcAttr: &syscall.SysProcAttr{Chroot: image, Credential: &syscall.Credential{Uid: dockerUser, Gid: dockerUser}},
		}
	}
	serve := append(docker.serve, "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--log-format=json")
	p := startCmd(t, inside(serve...), false)
	health := func() *exec.Cmd {
		command := strings.Join(docker.health, " ")
		return inside(strings.Fields(strings.Replace(command, "127.0.0.1:8081", strings.TrimPrefix(p.admin, "http://"), 1))...)
	}
	if out, err := health().CombinedOutput(); err != nil || string(out) != "ready\n" {
		t.Errorf("health: %v %s", err, out)
	}
	if out, err := inside("/waybill", "apply", "--url", p.url, "-f", "/data/directory.yaml").CombinedOutput(); err != nil {
		t.Errorf("apply: %v\n%s", err, out)
	}
	r := p.webhook(newClient(), "7001", "app-secret-0123456789", statusBody("102290129340398", "16315551000", newStatus("a", "sent", killStart)))
	if r.status != 200 {
		t.Errorf("webhook: %d %s", r.status, r.body)
	}
	p.stop()
	if out, err := health().CombinedOutput(); err == nil {
		t.Errorf("health of a container that has stopped: %s", out)
	}
}

// A dockerfile is what the last stage of deploy/Dockerfile says.
type dockerfile struct{ env, serve, health []string }

func readDockerfile(t *testing.T) (d dockerfile) {
	t.Helper()
	text, err := os.ReadFile(root + "/deploy/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(string(text), "\nFROM scratch\n")
	for line := range strings.Lines(last) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		var command []string
		if at := strings.Index(value, `["`); at >= 0 {
			if err := json.Unmarshal([]byte(value[at:]), &command); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
		switch name {
		case "ENV":
			d.env = strings.Fields(value)
		case "ENTRYPOINT", "CMD":
			d.serve = append(d.serve, command...)
		case "HEALTHCHECK":
			d.health = command
		case "USER":
			if value != fmt.Sprintf("%[1]d:%[1]d", dockerUser) {
				t.Errorf("the user is %s", value)
			}
		}
	}
	if len(d.env) == 0 || len(d.serve) != 2 || len(d.health) < 2 {
		t.Fatalf("the Dockerfile says %q", d)
	}
	return d
}

// copyStatic copies this program, if it is static as the one that is shipped.
func copyStatic(t *testing.T, to string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	if binary.Section(".interp") != nil {
		t.Skip("this program needs the libraries of the system: CGO_ENABLED is not 0")
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o755); err != nil {
		t.Fatal(err)
	}
}
