package ram

import (
	"slices"
	"strings"
)

// An Operation is one that policies can name.
type Operation struct {
	Action    string // for the Action element
	Level     string // the vendor's access level
	Resources bool   // it has resource-level permission
}

var operations = append([]Operation{
	{"cams:EnableWhatsappROIMetric", "get", false}, // though it writes
	{"cams:GetChatappTemplateMetric", "get", false},
	{"cams:GetChatappPhoneNumberMetric", "get", false},
}, ownOperations()...)

// ownOperations returns the operations of Waybill's own API.
func ownOperations() []Operation {
	var list []Operation
	for _, level := range []struct{ name, operations string }{
		{"get", "GetMetrics GetLabelValues GetMessage GetChannel GetTemplate GetAccount GetUser " +
			"GetSegment GetVersion PostAccessExplanation"},
		{"list", "ListMessages ListChannels ListTemplates ListAccounts ListUsers ListAccessKeys ListTokens " +
			"ListSegments GetSnapshots"},
		{"write", "PostEvents PutChannel DeleteChannel PutTemplate DeleteTemplate PutAccount DeleteAccount " +
			"PutUser DeleteUser PostAccessKey PatchAccessKey DeleteAccessKey PostToken DeleteToken " +
			"PutSegment DeleteSegment PostSegments PostSnapshots PostTemporaryKey PostDirectory PostErasure PostBackup"},
	} {
		for _, name := range strings.Fields(level.operations) {
			list = append(list, Operation{"waybill:" + name, level.name, true})
		}
	}
	return list
}

// Operations returns what is served here and decided by policies: the vendor's
// operations, which are without resource-level permission, and those of Waybill's
// own API, which have it. None has keys of its own or dependent actions.
//
// https://www.alibabacloud.com/help/en/chatapp/developer-reference/api-cams-2020-06-06-ram
func Operations() []Operation { return slices.Clone(operations) }

// served returns the actions of the operations.
func served() []string {
	names := make([]string, len(operations))
	for i, o := range operations {
		names[i] = o.Action
	}
	return names
}

// level returns the access level of an action, empty where it is unknown.
func level(action string) string {
	for _, o := range operations {
		if strings.EqualFold(o.Action, action) {
			return o.Level
		}
	}
	return ""
}
