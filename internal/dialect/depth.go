package dialect

import "waybill"

// CheckDepth returns an Invalid error if the arrays and objects of a JSON text
// are nested deeper than limit. It runs in one pass and does not check whether
// the text is JSON: its use is to bound what a decoder may be led into.
func CheckDepth(json []byte, limit int) error {
	depth := 0
	for i := 0; i < len(json); i++ {
		switch json[i] {
		case '"':
			i = stringEnd(json, i+1)
		case '[', '{':
			if depth++; depth > limit {
				return waybill.Errorf(waybill.Invalid,
					"the JSON is nested deeper than %d at byte %d", limit, i)
			}
		case ']', '}':
			// A text with a stray bracket is no JSON; it must not buy depth.
			depth = max(depth-1, 0)
		}
	}
	return nil
}

// stringEnd returns the index of the quote that ends the string whose contents
// start at i, or the length of the text.
func stringEnd(json []byte, i int) int {
	for ; i < len(json) && json[i] != '"'; i++ {
		if json[i] == '\\' {
			i++
		}
	}
	return i
}
