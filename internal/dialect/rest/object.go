package rest

import (
	"bytes"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/ndjson"
)

// maxObject bounds a body that is one small object, in bytes.
const maxObject = 16 << 10

// readObject reads a body that is one object with the given fields into v.
func readObject(c *call, v any, fields ...string) error {
	body, err := dialect.ReadBody(c.Request, maxObject)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return waybill.Errorf(waybill.Invalid, "the body is empty")
	}
	f := ndjson.Format{
		Name: "body", MaxObjects: 1, MaxBytes: maxObject, MaxDepth: 8,
		Fields: func(string) []string { return fields },
	}
	return f.Decode(body, v)
}
