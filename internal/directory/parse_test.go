package directory_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"waybill"
	"waybill/internal/directory"
	"waybill/internal/store/storetest"
)

func TestParseMistakes(t *testing.T) {
	tests := []struct {
		name     string
		old, new string // in acme
		want     string
	}{
		{"an unknown key", "    products: [cams]", "    prodcuts: [cams]", `line 4: accounts[0].prodcuts: unknown key, did you mean "products"?`},
		{"an unknown key like none", "    products: [cams]", "    colour: red", `line 4: accounts[0].colour: unknown key, known are id, name, products, users, tokens, apps, momo_clients, rates`},
		{"an unknown section", "templates:", "template:", `line 20: template: unknown key, did you mean "templates"?`},
		{"an unknown key deep down", "secret: \"${ACME_SECRET}\"", "secert: x", "line 8: accounts[0].users[0].access_keys[0].secret: is missing\nline 8: accounts[0].users[0].access_keys[0].secert: unknown key, did you mean \"secret\"?"},
		{"a key given twice", "name: Acme\n", "name: Acme\n    name: Acme\n", "line 4: accounts[0].name: is given twice"},
		{"a merge key", "name: Acme\n", "<<: {name: Acme}\n", "line 3: accounts[0].<<: unknown key, known are id, name, products, users, tokens, apps, momo_clients, rates"},
		{"a key that is no text", "name: Acme\n", "[a]: Acme\n", "line 3: accounts[0]: a key is a list, not text"},
		{"an alias", "name: Acme\n", "name: &n Acme\n", ""},
		{"an alias that is used", "older-s3cret]", "&s older-s3cret, *s]", "line 12: accounts[0].apps[0].secrets[2]: is an alias, not text"},

		{"a mapping for a list", "products: [cams]", "products: {cams: true}", "line 4: accounts[0].products: is a mapping, not a list"},
		{"text for a list", "products: [cams]", "products: cams", "line 4: accounts[0].products: is text, not a list"},
		{"text for a mapping", `  - {id: "6543210987654321", name: An ISV}`, "  - An ISV", "line 15: accounts[1]: is text, not a mapping\nline 17: channels[0].isv: \"6543210987654321\" is no account of this document"},
		{"a list for text", "name: Acme\n", "name: [Acme]\n", "line 3: accounts[0].name: is a list, not text"},
		{"a truth value for text", "name: Acme\n", "name: true\n", "line 3: accounts[0].name: is a truth value, not text"},
		{"nothing for text", "name: Acme\n", "name:\n", "line 3: accounts[0].name: is empty, not text"},
		{"a type of YAML for text", "name: Acme\n", "name: !!binary aGk=\n", "line 3: accounts[0].name: is of type !!binary, not text"},
		{"a control character", "name: Acme\n", `name: "A\ecme"` + "\n", "line 3: accounts[0].name: holds a control character"},
		{"a name too long", "name: Acme\n", "name: " + strings.Repeat("x", 257) + "\n", "line 3: accounts[0].name: has 257 bytes, more than 256"},
		{"numbers are text as they are written", `code: "1100", name`, `code: 0100, name`, ""},

		{"an account without ID", `{id: "6543210987654321", name: An ISV}`, `{name: An ISV}`, "line 15: accounts[1].id: is missing\nline 17: channels[0].isv: \"6543210987654321\" is no account of this document"},
		{"an account ID of 15 digits", `"6543210987654321"`, `"654321098765432"`, `line 15: accounts[1].id: "654321098765432" is not 16 digits`},
		{"an account ID of letters", `"6543210987654321"`, `"654321098765432x"`, `line 15: accounts[1].id: "654321098765432x" is not 16 digits`},
		{"an account twice", `{id: "6543210987654321", name: An ISV}`, `{id: "1234567890123456"}`, "line 15: accounts[1].id: \"1234567890123456\" is given at accounts[0].id on line 2 already\nline 17: channels[0].isv: \"6543210987654321\" is no account of this document"},
		{"an unknown product", "products: [cams]", "products: [cam]", `line 4: accounts[0].products[0]: "cam" is no product, did you mean "cams"?`},
		{"a product twice", "products: [cams]", "products: [cams, cams]", `line 4: accounts[0].products[1]: "cams" is in the list already`},

		{"a user without name", "name: reporter", `name: ""`, "line 6: accounts[0].users[0].name: is empty"},
		{"a user twice", "    tokens:\n", "      - {name: reporter}\n    tokens:\n", `line 9: accounts[0].users[1].name: "reporter" is given at accounts[0].users[0].name on line 6 already`},
		{"a policy that is text", `[{Version: "1", Statement`, `["{}", {Version: "1", Statement`, "line 7: accounts[0].users[0].policies[0]: is text, not a mapping"},
		{"a policy with a mistake", "Effect: Allow", "Effect: Alow", `line 7: accounts[0].users[0].policies[0].Statement[0].Effect: must be "Allow" or "Deny", is "Alow"`},
		{"a variable without braces", "older-s3cret", "$OLDER", "line 12: accounts[0].apps[0].secrets[1]: looks like a variable without its braces; write ${NAME}"},
		{"another account's app", `- {id: "6543210987654321", name: An ISV}`, `- {id: "6543210987654321", tokens: [{name: t, token: 0123456789abcdef, scopes: [admin], app: "634974688087057"}]}`, `line 15: accounts[1].tokens[0].app: app "634974688087057" belongs to account 1234567890123456, not to 6543210987654321`},
		{"more secrets than are tried", "older-s3cret", "a1, a2, a3, a4, a5, a6, a7, a8", "line 12: accounts[0].apps[0].secrets: has 9 secrets, more than 8"},
		{"a policy with an alias", "Effect: Allow", "Effect: &e Allow, X: *e", "line 7: accounts[0].users[0].policies[0].Statement[0].X: is an alias"},
		{"a policy with a key twice", "Effect: Allow", "Effect: Allow, Effect: Deny", "line 7: accounts[0].users[0].policies[0].Statement[0].Effect: is given twice"},
		{"a policy with what JSON has not", "Effect: Allow", "Effect: .inf", "line 7: accounts[0].users[0].policies[0].Statement[0].Effect: is a number that JSON does not have"},
		{"a policy with an unset variable", "Effect: Allow", `Effect: "${NONE}"`, "line 7: accounts[0].users[0].policies[0].Statement[0].Effect: environment variable NONE is not set"},
		{"an access key disabled by a word", `"${ACME_SECRET}"}`, `"${ACME_SECRET}", disabled: "true"}`, "line 8: accounts[0].users[0].access_keys[0].disabled: is text, not true or false"},
		{"an access key twice", "    tokens:\n", "      - {name: other, access_keys: [{id: LTAI0000, secret: x}]}\n    tokens:\n", `line 9: accounts[0].users[1].access_keys[0].id: "LTAI0000" is given at accounts[0].users[0].access_keys[0].id on line 8 already`},
		{"an empty secret of an access key", "${ACME_SECRET}", "", "line 8: accounts[0].users[0].access_keys[0].secret: is empty"},

		{"an unknown scope", "metrics:read", "metrics:raed", `line 10: accounts[0].tokens[0].scopes[1]: "metrics:raed" is no scope, did you mean "metrics:read"?`},
		{"an unknown scope like none", "metrics:read", "root", `line 10: accounts[0].tokens[0].scopes[1]: "root" is no scope, known are admin, events:write, metrics:read, public_profile, whatsapp_business_management, whatsapp_business_messaging, momo:page, momo:post, momo:message, momo:report, momo:care`},
		{"no scopes", "[whatsapp_business_management, metrics:read]", "[]", "line 10: accounts[0].tokens[0].scopes: is empty"},
		{"a token without token", `token: "${ACME_TOKEN}", `, "", "line 10: accounts[0].tokens[0].token: is missing"},
		{"a token twice", "    apps:\n", "      - {name: x, token: \"${ACME_TOKEN}\", scopes: [admin]}\n    apps:\n", "line 11: accounts[0].tokens[1].token: the same value is given at accounts[0].tokens[0].token on line 10 already"},
		{"a token's name twice", "    apps:\n", "      - {name: dashboard, token: x, scopes: [admin]}\n    apps:\n", `line 11: accounts[0].tokens[1].name: "dashboard" is given at accounts[0].tokens[0].name on line 10 already`},
		{"a token of no channel", `channels: ["102290129340398"]`, `channels: []`, "line 10: accounts[0].tokens[0].channels: is empty"},
		{"a token of an unknown channel", `channels: ["102290129340398"]`, `channels: ["102290129340399"]`, `line 10: accounts[0].tokens[0].channels[0]: "102290129340399" is no channel of this document, did you mean "102290129340398"?`},
		{"a token of another's channel", "An ISV}", "An ISV, tokens: [{name: x, token: x, scopes: [admin], channels: [cams-acme, \"130035\"]}]}", `line 15: accounts[1].tokens[0].channels[1]: channel "130035" belongs to account 1234567890123456, not to 6543210987654321`},
		{"a token of an unknown app", `app: "634974688087057"`, `app: x`, `line 10: accounts[0].tokens[0].app: "x" is no app of this document`},
		{"a token that expires some time", "2030-01-01T00:00:00+07:00", "soon", `line 10: accounts[0].tokens[0].expires: "soon" is no time such as 2026-11-20T10:00:00Z`},

		{"an app without secrets", `secrets: ["${APP_SECRET}", older-s3cret], `, "", "line 12: accounts[0].apps[0].secrets: is missing"},
		{"an app with no secrets", `["${APP_SECRET}", older-s3cret]`, "[]", "line 12: accounts[0].apps[0].secrets: is empty"},
		{"an app with an empty secret", "older-s3cret", `"${EMPTY}"`, "line 12: accounts[0].apps[0].secrets[1]: is empty"},
		{"an app with the same secret twice", "older-s3cret", `"${APP_SECRET}"`, "line 12: accounts[0].apps[0].secrets[1]: is in the list already"},
		{"an empty verify token", "${VERIFY}", "", "line 12: accounts[0].apps[0].verify_token: is empty"},
		{"an app twice", "An ISV}", "An ISV, apps: [{id: \"634974688087057\", secrets: [x]}]}", `line 15: accounts[1].apps[0].id: "634974688087057" is given at accounts[0].apps[0].id on line 12 already`},
		{"a page that is no MoMo channel", `pages: ["130035"]`, "pages: [cams-acme]", `line 14: accounts[0].momo_clients[0].pages[0]: channel "cams-acme" is of provider chatapp, not momo`},
		{"an unknown page", `pages: ["130035"]`, "pages: [x]", `line 14: accounts[0].momo_clients[0].pages[0]: "x" is no channel of this document`},
		{"an unknown permission group", "groups: [report]", "groups: [reports]", `line 14: accounts[0].momo_clients[0].groups[0]: "reports" is no permission group, did you mean "report"?`},
		{"an empty secret of a MoMo client", "${MOMO_SECRET}", "", "line 14: accounts[0].momo_clients[0].secret: is empty"},

		{"an unknown zone", "time_zone: Asia/Shanghai", "time_zone: Asia/Shangai", `line 17: channels[0].time_zone: "Asia/Shangai" is not a known time zone`},
		{"the zone of this machine", "time_zone: Asia/Shanghai", "time_zone: Local", `line 17: channels[0].time_zone: "Local" is not a known time zone`},
		{"an empty zone", "time_zone: Asia/Shanghai", `time_zone: ""`, `line 17: channels[0].time_zone: is empty`},
		{"a zone that is a path", "time_zone: Asia/Shanghai", `time_zone: ../../etc/passwd`, `line 17: channels[0].time_zone: "../../etc/passwd" is not a known time zone`},
		{"an unknown provider", "provider: chatapp", "provider: chatap", `line 17: channels[0].provider: "chatap" is no provider, did you mean "chatapp"?`},
		{"no provider", "provider: chatapp, ", "", `line 17: channels[0].provider: is missing`},
		{"an unknown owner", `chatapp, account: "1234567890123456"`, `chatapp, account: "1234567890123457"`, `line 17: channels[0].account: "1234567890123457" is no account of this document, did you mean "1234567890123456"?`},
		{"no owner", `chatapp, account: "1234567890123456"`, `chatapp`, `line 17: channels[0].account: is missing`},
		{"an owner that operates itself", `isv: "6543210987654321"`, `isv: "1234567890123456"`, `line 17: channels[0].isv: "1234567890123456" owns the channel itself`},
		{"an ISV code without ISV", `isv: "6543210987654321", `, "", `line 17: channels[0].isv_code: is given without isv`},
		{"an empty ISV code", "${ISV_CODE}", "", `line 17: channels[0].isv_code: is empty`},
		{"a sender without digits", "+86 138-0000-0000", "office", `line 17: channels[0].senders[0]: "office" has no digits`},
		{"a sender twice", `["+86 138-0000-0000"]`, `["+86 138-0000-0000", "8613800000000"]`, `line 17: channels[0].senders[1]: "8613800000000" is in the list already`},
		{"a webhook secret twice", `account: "1234567890123456"}`, `account: "1234567890123456", webhook_secrets: ["${HOOK}"]}`, `line 19: channels[2].webhook_secrets[0]: the same value is given at channels[0].webhook_secrets[0] on line 17 already`},
		{"a channel twice", `id: "130035", provider`, "id: cams-acme, provider", "line 14: accounts[0].momo_clients[0].pages[0]: \"130035\" is no channel of this document\nline 19: channels[2].id: \"cams-acme\" is given at channels[0].id on line 17 already"},
		{"an ID that is a path", "id: cams-acme", "id: cams/acme", "line 17: channels[0].id: \"cams/acme\" holds more than letters, digits and - _ . :\nline 21: templates[0].channel: \"cams-acme\" is no channel of this document\nline 22: templates[1].channel: \"cams-acme\" is no channel of this document"},
		{"a currency in words", "currency: USD", "currency: Dollar", `line 18: channels[1].currency: "Dollar" is no currency code such as USD`},
		{"an unknown callback format", "callback_data: campaign", "callback_data: campain", `line 18: channels[1].callback_data: "campain" is no format of callback data, did you mean "campaign"?`},
		{"a date for an instant", "2026-01-01T00:00:00Z", "2026-01-01", `line 18: channels[1].metrics_enabled_at: "2026-01-01" is no time such as 2026-11-20T10:00:00Z`},
		{"seconds for an instant", "2026-01-01T00:00:00Z", "1767225600", `line 18: channels[1].metrics_enabled_at: "1767225600" is no time such as 2026-11-20T10:00:00Z`},
		{"an instant that is none", "2026-01-01T00:00:00Z", "1970-01-01T00:00:00Z", `line 18: channels[1].metrics_enabled_at: "1970-01-01T00:00:00Z" is not after 1970-01-01T00:00:00Z`},

		{"a template of an unknown channel", "channel: cams-acme, code: \"1100\", name: spring_sale, language: id", "channel: cams-acne, code: \"1100\", language: id", `line 22: templates[1].channel: "cams-acne" is no channel of this document, did you mean "cams-acme"?`},
		{"a template twice", "language: id", "language: en", `line 22: templates[1].language: "en" is given at templates[0].language on line 21 already`},
		{"a template without language", ", language: id", "", `line 22: templates[1].language: is missing`},
		{"a template without code", `code: "1100", name: spring_sale, language: id`, `name: spring_sale, language: id`, `line 22: templates[1].code: is missing`},
		{"an unknown category", "MARKETING", "MARKETTING", `line 21: templates[0].category: "MARKETTING" is no category, did you mean "MARKETING"?`},
		{"a button without text", `, text: "Yes"`, "", `line 21: templates[0].buttons[0].text: is missing`},

		{"a variable that is not set", "${ACME_SECRET}", "${ACME_SECRT}", "line 8: accounts[0].users[0].access_keys[0].secret: environment variable ACME_SECRT is not set"},
		{"two variables that are not set", "${ACME_SECRET}", "${NONE}-${NEITHER}", "line 8: accounts[0].users[0].access_keys[0].secret: environment variable NONE is not set\nline 8: accounts[0].users[0].access_keys[0].secret: environment variable NEITHER is not set"},
		{"a variable that is not closed", "${ACME_SECRET}", "${ACME_SECRET", "line 8: accounts[0].users[0].access_keys[0].secret: has a ${ that no variable follows; write $${ for the characters themselves"},
		{"a variable that is no name", "${ACME_SECRET}", "${ACME SECRET}", "line 8: accounts[0].users[0].access_keys[0].secret: has a ${ that no variable follows; write $${ for the characters themselves"},
		{"a variable with a line break", "${ACME_SECRET}", "${LINE}", "line 8: accounts[0].users[0].access_keys[0].secret: holds a control character"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := directory.Parse(strings.NewReader(replace(t, acme, tt.old, tt.new)), getenv)
			switch {
			case err == nil && tt.want == "":
			case err == nil || err.Error() != tt.want:
				t.Errorf("mistakes are\n%v\nwant\n%s", err, tt.want)
			case waybill.CodeOf(err) != waybill.Invalid:
				t.Errorf("the code is %s", waybill.CodeOf(err))
			}
		})
	}
}

func TestParseRefusesWhatIsNoDocument(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"nothing", "", "the document is empty"},
		{"only a comment", "# nothing\n", "the document is empty"},
		{"text", "accounts", "line 1: is text, not a mapping"},
		{"a list", "- accounts", "line 1: is a list, not a mapping"},
		{"null", "~", "line 1: is empty, not a mapping"},
		{"two documents", "accounts: []\n---\nchannels: []\n", "line 2: a second document begins"},
		{"a list that does not end", "channels: []\naccounts: [\n", "line 3: did not find expected node content while parsing a flow node"},
		{"a tab", "accounts:\n\t- id: x\n", "line 2: found character that cannot start any token while scanning for the next token"},
		{"an alias of nothing", "accounts: *a\n", "line 1: unknown anchor 'a' referenced"},
		{"no UTF-8", "accounts: []\nchannels: [\xff]\n", "line 2: the text is not UTF-8"},
		{"aliases of aliases", "accounts: &a [x, x]\nchannels: &b [*a, *a]\ntemplates: [*b, *b, *b]\n", "line 1: accounts[0]: is text, not a mapping\nline 1: accounts[1]: is text, not a mapping\nline 2: channels[0]: is an alias, not a mapping\nline 2: channels[1]: is an alias, not a mapping\nline 3: templates[0]: is an alias, not a mapping\nline 3: templates[1]: is an alias, not a mapping\nline 3: templates[2]: is an alias, not a mapping"},
		{"deep nesting", "accounts: " + strings.Repeat("[", 100_000) + "\n", "line 1: exceeded max depth of 64 while increasing flow level"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := directory.Parse(strings.NewReader(tt.text), getenv)
			wantError(t, err, waybill.Invalid, "")
			if err != nil && err.Error() != tt.want {
				t.Errorf("error is\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
	_, err := directory.Parse(strings.NewReader("# "+strings.Repeat("x", 4<<20)), getenv)
	wantError(t, err, waybill.TooLarge, "more than 4194304 bytes")
}

func TestParseTellsAllMistakesInOrder(t *testing.T) {
	text := `channels:
  - {id: a, provider: x, account: "1", time_zone: y}
  - {id: a}
accounts:
  - {id: "1", tokens: [{}]}
`
	_, err := directory.Parse(strings.NewReader(text), getenv)
	want := `line 2: channels[0].provider: "x" is no provider, known are chatapp, waba, momo
line 2: channels[0].time_zone: "y" is not a known time zone
line 3: channels[1].account: is missing
line 3: channels[1].provider: is missing
line 3: channels[1].id: "a" is given at channels[0].id on line 2 already
line 5: accounts[0].id: "1" is not 16 digits
line 5: accounts[0].tokens[0].name: is missing
line 5: accounts[0].tokens[0].token: is missing
line 5: accounts[0].tokens[0].scopes: is missing`
	if err == nil || err.Error() != want {
		t.Errorf("mistakes are\n%v\nwant\n%s", err, want)
	}
	mistakes, ok := errors.AsType[directory.Mistakes](err)
	if !ok || mistakes[0] != (directory.Mistake{Line: 2, Column: 23, Path: "channels[0].provider", Message: `"x" is no provider, known are chatapp, waba, momo`}) {
		t.Errorf("the first mistake is %#v", mistakes[0])
	}

	var many strings.Builder
	many.WriteString("accounts:\n")
	for range 150 {
		many.WriteString("- {}\n")
	}
	_, err = directory.Parse(strings.NewReader(many.String()), getenv)
	if err == nil || strings.Count(err.Error(), "\n") != 100 || !strings.HasSuffix(err.Error(), "\nand 50 more") {
		t.Errorf("mistakes are\n%v", err)
	}
}

// TestMistakesQuoteNoSecret spoils every value that a secret may stand in.
func TestMistakesQuoteNoSecret(t *testing.T) {
	const secret = "hunter2-hunter2"
	for name := range env {
		for _, bad := range []string{secret + "\n", secret + "${", "${" + secret + "}", strings.Repeat(secret, 400)} {
			text := strings.ReplaceAll(acme, "${"+name+"}", strings.ReplaceAll(bad, "\n", `\n`))
			if text == acme {
				continue
			}
			if _, err := directory.Parse(strings.NewReader(text), getenv); err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("with a bad %s the mistake is %v", name, err)
			}
		}
	}
}

func TestVariablesAndEscapes(t *testing.T) {
	vars := map[string]string{"A": "one", "B_2": "${A}", "E": ""}
	tests := map[string]string{
		"${A}": "one", "x${A}y${A}z": "xoneyonez", "$A $ {A}": "$A $ {A}", "$${A}": "${A}", "$$${A}": "$${A}",
		"${B_2}": "${A}", "a${E}b": "ab", "$$": "$$", "$${": "${",
	}
	for text, want := range tests {
		doc, err := directory.Parse(strings.NewReader(fmt.Sprintf("accounts: [{id: \"1234567890123456\", name: %q}]", text)),
			func(name string) (string, bool) { v, ok := vars[name]; return v, ok })
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		d := mustOpen(t, storetest.NewModel())
		if _, err := d.Apply(t.Context(), doc, directory.ApplyOptions{}); err != nil {
			t.Fatal(err)
		}
		if a, _ := d.View().Account("1234567890123456"); a.Name != want {
			t.Errorf("%q is read as %q, want %q", text, a.Name, want)
		}
	}
}

// FuzzParse states that no text makes Parse panic or tell a mistake without
// words, and that what it accepts can be applied and is then complete.
func FuzzParse(f *testing.F) {
	f.Add([]byte(acme))
	f.Add([]byte(small))
	f.Add([]byte("accounts: [&a {id: \"1234567890123456\", name: ${ACME_TOKEN}, users: [{name: u, policies: [{a: [1, 0x1, 1e3, ~, true, 2020-01-01]}]}]}, *a]"))
	f.Add([]byte("? {a: b}\n: <<: [x]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			return
		}
		doc, err := directory.Parse(bytes.NewReader(text), getenv)
		if err != nil {
			mistakes, ok := errors.AsType[directory.Mistakes](err)
			if !ok || len(mistakes) == 0 || mistakes[0].Message == "" {
				t.Fatalf("error is %#v", err)
			}
			return
		}
		store := storetest.NewModel()
		d := mustOpen(t, store)
		if _, err := d.Apply(t.Context(), doc, directory.ApplyOptions{}); err != nil {
			t.Fatal(err)
		}
		again, err := mustOpen(t, store).Apply(t.Context(), doc, directory.ApplyOptions{Prune: true})
		if err != nil || len(again) > 0 {
			t.Fatalf("the second apply: %v, %v", again, err)
		}
	})
}

// TestSuggestionsStayCheap has many dangling references to many names.
func TestSuggestionsStayCheap(t *testing.T) {
	var text strings.Builder
	text.WriteString("accounts:\n")
	for i := range 3000 {
		fmt.Fprintf(&text, "- {id: \"%016d\"}\n", i)
	}
	text.WriteString("channels:\n")
	for i := range 3000 {
		fmt.Fprintf(&text, "- {id: c%d, provider: waba, account: \"%016d\"}\n", i, 10000+i)
	}
	if _, err := directory.Parse(strings.NewReader(text.String()), os.LookupEnv); err == nil {
		t.Error("no mistakes")
	}
}

// TestWarnings names a resource that the operations do not have: RAM takes the
// policy, and the statement is in vain.
func TestWarnings(t *testing.T) {
	text := replace(t, acme, `Resource: "*"`, `Resource: "acs:cams:*:*:channel/x"`)
	doc, err := directory.Parse(strings.NewReader(text), getenv)
	if err != nil {
		t.Fatal(err)
	}
	warnings := doc.Warnings()
	if len(warnings) == 0 || warnings[0].Line == 0 || !strings.HasPrefix(warnings[0].Path, "accounts[0].users[0].policies[0].Statement[0]") {
		t.Errorf("warnings are %v", warnings)
	}
}
