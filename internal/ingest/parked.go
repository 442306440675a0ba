package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"waybill"
)

// Parked is a verified webhook body that waits until somebody owns the vendor's
// account that it reports on.
type Parked struct {
	Dialect       string
	SignerAccount string // the tenant whose app is the signer
	VendorAccount string // the vendor's ID as the body has it: any bytes
	Signer        string // whose secret verified the body
	Received      waybill.Instant
	Body          []byte
}

const (
	parkedPrefix = "parked/"

	// parkedVersion begins the value of a record.
	parkedVersion = 2

	// maxKeyPart bounds each part of a key that others choose.
	maxKeyPart = 128
)

// prefix returns the beginning of the keys under which bodies are kept, in the
// order in which they came:
//
//	parked/<dialect>/<signer account>/<vendor account>/<sequence as 16 hexadecimal digits>
//
// A body says nothing about who its vendor account belongs to, so that bodies of
// different signers are kept apart.
func prefix(dialect, signerAccount, vendorAccount string) string {
	return parkedPrefix + keyPart(dialect) + "/" + keyPart(signerAccount) + "/" + keyPart(vendorAccount) + "/"
}

func (p *Parked) prefix() string { return prefix(p.Dialect, p.SignerAccount, p.VendorAccount) }

// parent returns the prefix of all that one signer account has under it.
func parent(under string) string {
	return under[:strings.LastIndexByte(under[:len(under)-1], '/')+1]
}

// keyPart encodes any text for use between slashes, each text differently. Long
// ones become "#" and their hash; a "#" of the text itself is escaped.
func keyPart(text string) string {
	part := url.PathEscape(text)
	if len(part) <= maxKeyPart {
		return part
	}
	sum := sha256.Sum256([]byte(text))
	return "#" + hex.EncodeToString(sum[:])
}

// encode returns the value of the record that keeps p:
//
//	version | received | dialect | signer account | vendor account | signer | body
//
// with the time as a varint and a uvarint length before each text.
func (p *Parked) encode() []byte {
	b := make([]byte, 0, 48+len(p.Dialect)+len(p.SignerAccount)+len(p.VendorAccount)+len(p.Signer)+len(p.Body))
	b = binary.AppendVarint(append(b, parkedVersion), int64(p.Received))
	for _, text := range []string{p.Dialect, p.SignerAccount, p.VendorAccount, p.Signer} {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	return append(b, p.Body...)
}

func decodeParked(b []byte) (Parked, error) {
	if len(b) == 0 || b[0] != parkedVersion {
		return Parked{}, fmt.Errorf("parked body of %d bytes is not of version %d", len(b), parkedVersion)
	}
	received, n := binary.Varint(b[1:])
	if n <= 0 {
		return Parked{}, errors.New("parked body has no time")
	}
	p, b := Parked{Received: waybill.Instant(received)}, b[1+n:]
	for _, text := range []*string{&p.Dialect, &p.SignerAccount, &p.VendorAccount, &p.Signer} {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return Parked{}, errors.New("parked body is cut off")
		}
		*text, b = string(b[n:n+int(size)]), b[n+int(size):]
	}
	p.Body = b
	return p, nil
}
