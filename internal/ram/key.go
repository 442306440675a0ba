package ram

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"waybill/internal/spelling"
)

// The keys that a request here can have, by class.
//
// https://www.alibabacloud.com/help/en/ram/policy-elements
var (
	textKeys = map[string]func(*Request) (string, bool){
		"acs:PrincipalARN": func(r *Request) (string, bool) { return r.Principal.arn() },
		"acs:UserAgent":    func(r *Request) (string, bool) { return r.UserAgent, r.UserAgent != "" },
	}
	instantKeys = map[string]func(*Request) (int64, bool){
		"acs:CurrentTime": func(r *Request) (int64, bool) { return r.Now.Unix(), !r.Now.IsZero() },
	}
	boolKeys = map[string]func(*Request) (bool, bool){
		"acs:SecureTransport": func(r *Request) (bool, bool) { return r.Secure, true },
		mfaPresent:            func(r *Request) (bool, bool) { return r.MFA == True, r.MFA != Unknown },
	}
	addressKeys = map[string]func(*Request) (netip.Addr, bool){
		"acs:SourceIp": func(r *Request) (netip.Addr, bool) {
			return plainAddress(r.SourceIP), r.SourceIP.IsValid()
		},
	}
)

const mfaPresent = "acs:MFAPresent"

// foreignKeys are common keys of the vendor that no request here has.
var foreignKeys = []string{
	"acs:PrincipalRDId", "acs:PrincipalRDPath", "acs:RequestTag", "acs:ResourceTag",
	"acs:SourceVpc", "acs:VpcSourceIp",
}

// classOf returns the class of a key, nil where requests here never have it.
func classOf(key string) *class {
	switch {
	case textKeys[key] != nil:
		return textClass
	case instantKeys[key] != nil:
		return instantClass
	case boolKeys[key] != nil:
		return boolClass
	case addressKeys[key] != nil:
		return addressClass
	}
	return nil
}

// misspelt returns the common key that key was probably meant to be, or "".
// Those of single services are theirs to name.
func misspelt(key string) string {
	name, _, _ := strings.Cut(key, "/")
	if service, _, _ := strings.Cut(name, ":"); !strings.EqualFold(service, "acs") || slices.Contains(commonKeys(), name) {
		return ""
	}
	return spelling.Closest(name, commonKeys())
}

func commonKeys() []string {
	return slices.Concat(slices.Sorted(maps.Keys(textKeys)), slices.Sorted(maps.Keys(instantKeys)),
		slices.Sorted(maps.Keys(boolKeys)), slices.Sorted(maps.Keys(addressKeys)), foreignKeys)
}

// show returns what r has under a key, for people.
func (r *Request) show(key string) (string, bool) {
	if of := textKeys[key]; of != nil {
		return of(r)
	}
	if of := instantKeys[key]; of != nil {
		at, ok := of(r)
		return time.Unix(at, 0).UTC().Format(time.RFC3339), ok
	}
	if of := boolKeys[key]; of != nil {
		is, ok := of(r)
		if is {
			return "true", ok
		}
		return "false", ok
	}
	if of := addressKeys[key]; of != nil {
		a, ok := of(r)
		return a.String(), ok
	}
	text, ok := r.Context[key]
	return text, ok
}

// arn returns the name of the caller among all resources. The session of a role
// is not part of it.
func (p Principal) arn() (string, bool) {
	if p.Account == "" || p.Name == "" && p.Type != RootUser {
		return "", false
	}
	prefix := "acs:ram::" + p.Account + ":"
	switch p.Type {
	case RootUser:
		return prefix + "root", true
	case AssumedRoleUser:
		role, _, _ := strings.Cut(p.Name, ":")
		return prefix + "role/" + role, true
	}
	return prefix + "user/" + p.Name, true
}
