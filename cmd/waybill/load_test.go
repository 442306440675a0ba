package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A poster sends one signed body over and over, with new IDs of messages in it,
// over a connection of its own. It shares the processors with the server that it
// loads, so it makes its requests in place and reads no more of an answer than
// it must: net/http's client would take as long as the server.
type poster struct {
	conn    net.Conn
	answers *bufio.Reader
	request []byte // head and body
	body    []byte // of request
	sum     []byte // of request: where the signature stands
	ids     []int  // where the numbers in the IDs begin, in body
	times   []int  // where the times begin
	mac     hash.Hash
}

const (
	// idMark and timeMark stand where a poster puts what is new in a body.
	idMark   = "################"
	timeMark = "@@@@@@@@@@"
)

// webhookPath is that of the app of killTenants.
const webhookPath = "/webhooks/meta/7001"

// newPoster returns a poster of a body with marks.
func newPoster(address, body string) (*poster, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"+
		"User-Agent: facebookexternalua\r\nX-Hub-Signature-256: sha256=", webhookPath, address, len(body))
	sum := len(head)
	head += strings.Repeat("0", hex.EncodedLen(sha256.Size)) + "\r\n\r\n"
	p := &poster{
		conn: conn, answers: bufio.NewReader(conn), request: []byte(head + body),
		mac: hmac.New(sha256.New, []byte("app-secret-0123456789")),
	}
	p.body, p.sum = p.request[len(head):], p.request[sum:len(head)-4]
	p.ids, p.times = indexAll(body, idMark), indexAll(body, timeMark)
	return p, nil
}

func indexAll(text, mark string) (all []int) {
	for at := 0; ; {
		i := strings.Index(text[at:], mark)
		if i < 0 {
			return all
		}
		all = append(all, at+i)
		at += i + len(mark)
	}
}

// post sends the n-th body, whose messages are all new.
func (p *poster) post(n int64) error {
	for i, at := range p.ids {
		putDigits(p.body[at:at+len(idMark)], n*int64(len(p.ids))+int64(i))
	}
	for _, at := range p.times {
		putDigits(p.body[at:at+len(timeMark)], killStart+n%4000*450)
	}
	p.mac.Reset()
	p.mac.Write(p.body)
	var sum [sha256.Size]byte
	hex.Encode(p.sum, p.mac.Sum(sum[:0]))
	if _, err := p.conn.Write(p.request); err != nil {
		return err
	}
	return p.answer()
}

func putDigits(to []byte, n int64) {
	for i := len(to) - 1; i >= 0; i-- {
		to[i] = byte('0' + n%10)
		n /= 10
	}
}

// answer reads an answer, which must be a success and has a length.
func (p *poster) answer() error {
	length := 0
	for first := true; ; first = false {
		line, err := p.answers.ReadSlice('\n')
		if err != nil {
			return err
		}
		switch name, value, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(": ")); {
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")):
			return fmt.Errorf("answered %s", line)
		case len(name) == 0:
			_, err := p.answers.Discard(length)
			return err
		case string(name) == "Content-Length":
			if length, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		}
	}
}

// webhookText returns a webhook as Meta sends it, with marks in so many
// statuses. One alone has 567 bytes or a few less.
func webhookText(statuses int) string {
	one := `{"id":"wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJ` + idMark + `A=","status":"sent","timestamp":"` + timeMark + `",` +
		`"recipient_id":"16505551234","conversation":{"id":"72b14d6bd5407799e66f64d1b338e567","origin":{"type":"marketing"}},` +
		`"pricing":{"billable":true,"pricing_model":"PMP","type":"regular","category":"marketing"}}`
	return `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":` +
		`{"messaging_product":"whatsapp","metadata":{"display_phone_number":"16315551000","phone_number_id":"106540352242922"},` +
		`"statuses":[` + strings.Repeat(one+",", statuses-1) + one + `]},"field":"messages"}]}]}`
}

// postAll posts b.N bodies over 64 connections and reports the rates and how
// long the answers took.
func postAll(b *testing.B, p *process, statuses int) {
	const connections = 64
	body := webhookText(statuses)
	var posters []*poster
	for range connections {
		one, err := newPoster(strings.TrimPrefix(p.url, "http://"), body)
		if err != nil {
			b.Fatal(err)
		}
		defer one.conn.Close()
		posters = append(posters, one)
	}
	took := make([][]time.Duration, connections)
	var sequence atomic.Int64
	var wg sync.WaitGroup
	before, loading := p.cpu(), ownCPU(b)
	b.ResetTimer()
	for i, one := range posters {
		wg.Go(func() {
			for n := sequence.Add(1); n <= int64(b.N); n = sequence.Add(1) {
				start := time.Now()
				if err := one.post(n); err != nil {
					b.Error(err)
					return
				}
				took[i] = append(took[i], time.Since(start))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	used, loading := p.cpu()-before, ownCPU(b)-loading
	all := slices.Concat(took...)
	slices.Sort(all)
	if len(all) == 0 {
		return
	}
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "bodies/s")
	b.ReportMetric(float64(len(all)*statuses)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(used.Microseconds())/float64(len(all)*statuses), "cpu-us/event")
	b.ReportMetric(float64(loading.Microseconds())/float64(len(all)*statuses), "load-us/event")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}

// ownCPU returns how long the processors have worked for this process, which makes
// the load.
func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// cpu returns how long the processors have worked for the process, in steps of
// 10 ms; 0 where the system does not tell. Other than a rate it depends little on
// what else the machine does.
//
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func (p *process) cpu() time.Duration {
	const tick = 10 * time.Millisecond
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick
}
