package ram

import (
	"fmt"
	"strings"

	"waybill"
)

// maxTold is how many mistakes an error's text lists; more help nobody.
const maxTold = 100

// A Remark is something to say about one place of a policy.
type Remark struct {
	Path    string // such as "Statement[0].Effect"; empty for the whole policy
	Message string
}

func (r Remark) String() string {
	if r.Path == "" {
		return "the policy " + r.Message
	}
	return r.Path + ": " + r.Message
}

// Mistakes are all the things wrong with a policy. They are an error of code
// Invalid.
type Mistakes []Remark

// Error returns the mistakes, one a line.
func (ms Mistakes) Error() string {
	var lines []string
	for _, m := range ms[:min(len(ms), maxTold)] {
		lines = append(lines, m.String())
	}
	if more := len(ms) - maxTold; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the mistakes their code.
func (ms Mistakes) Unwrap() error { return waybill.Errorf(waybill.Invalid, "%s", ms.Error()) }
