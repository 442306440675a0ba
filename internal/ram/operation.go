package ram

import (
	"slices"
	"strings"
)

// An Operation is one that policies can name.
type Operation struct {
	Action string // for the Action element
	Level  string // the vendor's access level
}

var operations = []Operation{
	{"cams:EnableWhatsappROIMetric", "get"}, // though it writes
	{"cams:GetChatappTemplateMetric", "get"},
	{"cams:GetChatappPhoneNumberMetric", "get"},
}

// Operations returns what is served here and decided by policies. All are
// without resource-level permission, keys of their own and dependent actions.
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
