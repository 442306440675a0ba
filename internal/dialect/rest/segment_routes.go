package rest

import (
	"net/http"

	"waybill"
)

// Paths of several calls.
const (
	segmentsPattern  = "/channels/{channel}/segments"
	segmentPattern   = segmentsPattern + "/{id}"
	snapshotsPattern = segmentPattern + "/snapshots"
)

const (
	segmentExample = `{"channel":"130119","segment":"spring-1","campaign":"spring","size":2,"condition":"FOLLOW_NO_PAYMENT",` +
		`"status":"","template_data":"{\"title\": \"Spring\"}","create_at":1763640000000,"source":"ledger",` +
		`"counts":{"accepted":2,"sent":1,"delivered":1,"read":1,"failed":0,"clicked":0,"clicks":0},"pending":1}`
	importedExample = `{"received":3,"stored":2,"rejected":[{"line":3,` +
		`"error":"create_at 1763686800 looks like seconds, but must be milliseconds"}]}`
)

func segmentRoutes() []route {
	return []route{
		{
			method: http.MethodGet, pattern: segmentsPattern, scope: waybill.ScopeMetricsRead,
			id: "listSegments", tag: tagSegments, summary: "A page of the segments of a channel",
			doc:       "The newest first.",
			operation: does((*API).segments),
			example:   `{"segments":[` + segmentExample + `],"next":1763640000000}`,
		},
		{
			method: http.MethodPost, pattern: segmentsPattern, scope: waybill.ScopeEventsWrite,
			id: "postSegments", tag: tagSegments, summary: "Import segments",
			doc: "What is wrong with one segment, or contradicts what stands, rejects that one. Importing again changes nothing. " +
				"Of two lines with one ID the later stands.\n\n" +
				"A large body is stored in parts: if the answer is an error, send it all again.",
			operation: does((*API).postSegments),
			reads: &reading{
				kinds: contentTypes(), object: segmentLine{}, many: true,
				example: `{"segment":"winter-1","campaign":"winter","create_at":1763600400000,"size":1200,` +
					`"snapshots":[{"at":"2025-11-20T12:00:00Z","accepted":1200,"sent":1100}]}`,
			},
			example: importedExample,
			errors:  []int{http.StatusUnsupportedMediaType},
		},
		{
			method: http.MethodGet, pattern: segmentPattern, scope: waybill.ScopeMetricsRead,
			id: "getSegment", tag: tagSegments, summary: "A segment with its counts",
			operation: does((*API).segment),
			example:   segmentExample,
		},
		{
			method: http.MethodPut, pattern: segmentPattern, scope: waybill.ScopeEventsWrite,
			id: "putSegment", tag: tagSegments, summary: "Write a segment",
			doc: "Replaces all that was said before, and answers what a GET does. Only `create_at` and `source` never change: " +
				"another one is a 409.",
			operation: does((*API).putSegment),
			reads: &reading{
				kinds: []string{"application/json"}, object: SegmentObject{},
				example: `{"campaign":"spring","size":2,"condition":"FOLLOW_NO_PAYMENT","template_data":"{\"title\": \"Spring\"}"}`,
			},
			example: segmentExample,
			errors:  []int{http.StatusConflict},
		},
		{
			method: http.MethodDelete, pattern: segmentPattern, scope: waybill.ScopeEventsWrite,
			id: "deleteSegment", tag: tagSegments, summary: "Delete a segment",
			doc:       "Its snapshots go. The messages stay, and count again in a segment of the same ID.",
			operation: does((*API).deleteSegment),
		},
		{
			method: http.MethodGet, pattern: snapshotsPattern, scope: waybill.ScopeMetricsRead,
			id: "getSnapshots", tag: tagSegments, summary: "What was counted of a segment outside",
			doc:       "At most 10,000 snapshots; more is a 413.",
			operation: does((*API).snapshots),
			example: `{"channel":"130119","segment":"winter-1","snapshots":[{"at":"2025-11-20T12:00:00Z","accepted":1200,` +
				`"sent":1100,"delivered":0,"read":0,"failed":0,"clicked":0,"clicks":0}]}`,
			errors: []int{http.StatusRequestEntityTooLarge},
		},
		{
			method: http.MethodPost, pattern: snapshotsPattern, scope: waybill.ScopeEventsWrite,
			id: "postSnapshots", tag: tagSegments, summary: "Keep what was counted of a segment outside",
			doc: "Counts that are absent are 0. The segment must have the source `snapshots`: one that is counted in the ledger is " +
				"a 409. Of the snapshots in one quarter of an hour the latest stays.",
			operation: does((*API).postSnapshots),
			reads: &reading{
				kinds: contentTypes(), object: snapshotObject{}, many: true,
				example: `{"at":"2025-11-22T12:00:00Z","accepted":1200,"sent":1195,"delivered":1100,"read":700,"failed":5}`,
			},
			example: `{"received":1,"stored":1,"rejected":[]}`,
			errors:  []int{http.StatusConflict, http.StatusUnsupportedMediaType},
		},
	}
}
