package event

import "unsafe"

const (
	// longestKept bounds a text that shares its memory with others, in bytes.
	longestKept = 1 << 10

	// blockBytes is how many texts share: the longest one may be left over of it.
	blockBytes = 32 << 10
)

// An arena keeps copies of many small texts in few allocations. What is kept of
// one keeps at most blockBytes of others.
type arena struct {
	block []byte
	left  int // of all texts that are still to come, in bytes; bounds the next block
}

// keep returns a copy of text, which has at most longestKept bytes.
func (a *arena) keep(text []byte) []byte {
	if cap(a.block)-len(a.block) < len(text) {
		a.block = make([]byte, 0, max(len(text), min(a.left, blockBytes)))
	}
	start := len(a.block)
	a.block = append(a.block, text...)
	a.left -= len(text)
	return a.block[start:len(a.block):len(a.block)]
}

// view returns a string of the bytes themselves, which are never to change: those
// of an arena do not.
func view(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }
