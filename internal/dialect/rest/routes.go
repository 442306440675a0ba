package rest

import "slices"

// A tag is a chapter of the API's document.
type tag string

// The tags, in the order of the document.
const (
	tagEvents    tag = "Events"
	tagMetrics   tag = "Metrics"
	tagMessages  tag = "Messages"
	tagSegments  tag = "Segments"
	tagDirectory tag = "Directory"
	tagKeys      tag = "Keys and tokens"
	tagServer    tag = "Server"
)

var tags = []struct {
	name tag
	doc  string
}{
	{tagEvents, "What happened to messages, reported to the ledger in Waybill's own format."},
	{tagMetrics, "Counts of messages, and what they can be broken down by."},
	{tagMessages, "Single messages and their histories."},
	{tagSegments, "The sends of a campaign to sets of customers, with their counts."},
	{tagDirectory, "Accounts, users, channels and templates, one at a time. The same rules hold as for documents."},
	{tagKeys, "What callers prove with who they are."},
	{tagServer, "The whole installation."},
}

// routes returns the table of all calls.
func routes() []route {
	return slices.Concat(
		eventRoutes(),
		metricsRoutes(),
		labelRoutes(),
		messageRoutes(),
		segmentRoutes(),
		channelRoutes(),
		templateRoutes(),
		accountRoutes(),
		userRoutes(),
		accessKeyRoutes(),
		tokenRoutes(),
		keyRoutes(),
		explanationRoutes(),
		serverRoutes(),
	)
}
