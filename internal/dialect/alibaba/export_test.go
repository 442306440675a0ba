package alibaba

import "waybill"

// What black-box tests cannot reach through the server.
var (
	ExportCount   = count
	ExportDecode  = decodeReceipts
	ExportCompile = compile
)

func ExportBroken(r *rights) bool { return r.broken != nil && r.policies == nil }

func ExportEvents(b batch) []waybill.Event { return b.events }
