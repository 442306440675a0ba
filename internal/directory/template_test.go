package directory_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill"
	"waybill/internal/directory"
	"waybill/internal/store/storetest"
)

func learn(t testing.TB, d *directory.Directory, facts ...directory.TemplateFact) {
	t.Helper()
	if err := d.Learn(t.Context(), facts); err != nil {
		t.Fatalf("Learn: %v", err)
	}
}

// TestLearnInAnyOrder teaches the same facts in two orders, one of them with
// repetitions and in pieces, and compares the stores.
func TestLearnInAnyOrder(t *testing.T) {
	word := rapid.SampledFrom([]string{"", "a", "b", "c"})
	fact := rapid.Custom(func(t *rapid.T) directory.TemplateFact {
		return directory.TemplateFact{
			Channel: rapid.SampledFrom([]string{"one", "two", "none"}).Draw(t, "channel"),
			Code:    rapid.SampledFrom([]string{"1", "2"}).Draw(t, "code"), Language: word.Draw(t, "language"),
			At:   waybill.Instant(rapid.IntRange(1, 4).Draw(t, "at")),
			Name: word.Draw(t, "name"), Category: word.Draw(t, "category"),
			Status: word.Draw(t, "status"), Quality: word.Draw(t, "quality"),
		}
	})
	text := replace(t, small, "channels: [", `channels: [{id: two, provider: momo, account: "1234567890123456"}, `)
	rapid.Check(t, func(r *rapid.T) {
		facts := rapid.SliceOfN(fact, 1, 12).Draw(r, "facts")
		again := rapid.Permutation(append(facts, rapid.SliceOf(rapid.SampledFrom(facts)).Draw(r, "repeated")...)).Draw(r, "order")
		cut := rapid.IntRange(0, len(again)).Draw(r, "cut")

		stores := []*storetest.Model{storetest.NewModel(), storetest.NewModel()}
		a, b := mustOpen(t, stores[0]), mustOpen(t, stores[1])
		mustApply(t, a, text, directory.ApplyOptions{})
		mustApply(t, b, text, directory.ApplyOptions{})
		learn(t, a, facts...)
		learn(t, b, again[:cut]...)
		learn(t, b, again[cut:]...)
		if !reflect.DeepEqual(a.View(), b.View()) {
			r.Fatalf("templates are\n%+v\nand\n%+v", a.View().Templates("one"), b.View().Templates("one"))
		}
		var records [2][]waybill.Record
		for i, s := range stores {
			records[i], _ = s.Records(t.Context(), "directory/template/")
		}
		if !reflect.DeepEqual(records[0], records[1]) {
			r.Fatalf("records are\n%s\nand\n%s", records[0], records[1])
		}
		if !reflect.DeepEqual(mustOpen(t, stores[1]).View(), b.View()) {
			r.Fatal("the view differs after reopening")
		}
	})
}

func TestLearn(t *testing.T) {
	base := directory.TemplateFact{Channel: "one", Code: "7", Language: "en", At: 100, Name: "n", Category: "UTILITY", Status: "PENDING"}
	with := func(change func(*directory.TemplateFact)) directory.TemplateFact {
		f := base
		change(&f)
		return f
	}
	tests := []struct {
		name string
		fact directory.TemplateFact
		want waybill.Template
	}{
		{"the same again", base, waybill.Template{Name: "n", Category: "UTILITY", Status: "PENDING"}},
		{"a later status", directory.TemplateFact{At: 101, Status: "APPROVED"}, waybill.Template{Name: "n", Category: "UTILITY", Status: "APPROVED"}},
		{"an earlier status", directory.TemplateFact{At: 99, Status: "APPROVED"}, waybill.Template{Name: "n", Category: "UTILITY", Status: "PENDING"}},
		{"an earlier quality, the first", directory.TemplateFact{At: 1, Quality: "GREEN"}, waybill.Template{Name: "n", Category: "UTILITY", Status: "PENDING", Quality: "GREEN"}},
		{"a larger value at the same time", directory.TemplateFact{At: 100, Status: "REJECTED"}, waybill.Template{Name: "n", Category: "UTILITY", Status: "REJECTED"}},
		{"a smaller value at the same time", directory.TemplateFact{At: 100, Status: "APPROVED"}, waybill.Template{Name: "n", Category: "UTILITY", Status: "PENDING"}},
		{"a value too long", with(func(f *directory.TemplateFact) { f.At, f.Status = 200, strings.Repeat("x", 600) }), waybill.Template{Name: "n", Category: "UTILITY", Status: "PENDING"}},
		{"a NUL", with(func(f *directory.TemplateFact) { f.At, f.Status = 200, "a\x00" }), waybill.Template{Name: "n", Category: "UTILITY", Status: "PENDING"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := mustOpen(t, storetest.NewModel())
			mustApply(t, d, small, directory.ApplyOptions{})
			learn(t, d, base)
			tt.fact.Channel, tt.fact.Code, tt.fact.Language = "one", "7", "en"
			tt.want.Channel, tt.want.Code, tt.want.Language = "one", "7", "en"
			learn(t, d, tt.fact)
			if got, _ := d.View().Template("one", "7", "en"); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("template is %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestLearnWritesOnlyWhatIsNew(t *testing.T) {
	store := &lossy{Store: storetest.NewModel()}
	d := mustOpen(t, store)
	mustApply(t, d, small, directory.ApplyOptions{})
	fact := directory.TemplateFact{Channel: "one", Code: "7", Language: "en", At: 100, Name: "n", Status: "PENDING"}
	learn(t, d, fact)
	store.fail = fmt.Errorf("written")
	older, foreign, empty, nameless := fact, fact, fact, fact
	older.At = 99
	foreign.Channel = "two"
	empty.Code, empty.Name, empty.Status = "8", "", ""
	nameless.Code = ""
	learn(t, d, fact, older, foreign, empty, nameless)
	later := fact
	later.At = 101 // says nothing new but the time, which decides what follows
	if err := d.Learn(t.Context(), []directory.TemplateFact{later}); err == nil {
		t.Error("a later time was not written")
	}
}

// TestLanguagesAreTemplatesOfTheirOwn and codes with separators do not mix.
func TestLanguagesAreTemplatesOfTheirOwn(t *testing.T) {
	store := storetest.NewModel()
	d := mustOpen(t, store)
	mustApply(t, d, small, directory.ApplyOptions{})
	keys := [][2]string{{"1", "en"}, {"1", "id"}, {"1/en", ""}, {"1", ""}, {"1%2Fen", ""}, {"2", "en"}}
	for _, k := range keys {
		learn(t, d, directory.TemplateFact{Channel: "one", Code: k[0], Language: k[1], At: 1, Name: k[0] + "|" + k[1]})
	}
	for _, d := range []*directory.Directory{d, mustOpen(t, store)} {
		for _, k := range keys {
			if got, ok := d.View().Template("one", k[0], k[1]); !ok || got.Name != k[0]+"|"+k[1] {
				t.Errorf("template %v is %+v", k, got)
			}
		}
		var order []string
		for _, tpl := range d.View().Templates("one") {
			order = append(order, tpl.Name)
		}
		if got, want := strings.Join(order, " "), "1| 1|en 1|id 1%2Fen| 1/en| 2|en"; got != want {
			t.Errorf("order is %s, want %s", got, want)
		}
	}
}

func TestDocumentsAndWebhooksShareTheRegistry(t *testing.T) {
	now := waybill.InstantOf(start)
	text := small + `templates: [{channel: one, code: "7", language: en, name: from_document, category: MARKETING}]`
	d := mustOpen(t, storetest.NewModel())
	mustApply(t, d, small, directory.ApplyOptions{})
	fact := directory.TemplateFact{Channel: "one", Code: "7", Language: "en", At: now - 10, Name: "from_webhook", Category: "MARKETING", Status: "APPROVED"}
	learn(t, d, fact)
	check := func(when, name, category, status string) {
		t.Helper()
		got, _ := d.View().Template("one", "7", "en")
		if got.Name != name || got.Category != category || got.Status != status {
			t.Errorf("%s the template is %+v", when, got)
		}
	}
	if diff := mustApply(t, d, text, directory.ApplyOptions{}); diff != "~ template one/7/en: name from_webhook -> from_document\n" {
		t.Errorf("diff is %q", diff)
	}
	check("after apply", "from_document", "MARKETING", "APPROVED")

	fact.At = now - 1
	learn(t, d, fact)
	check("after an older webhook", "from_document", "MARKETING", "APPROVED")

	// What the document did not change kept the webhook's time.
	learn(t, d, directory.TemplateFact{Channel: "one", Code: "7", Language: "en", At: now - 5, Category: "UTILITY"})
	check("after an older webhook about the category", "from_document", "MARKETING", "APPROVED")
	learn(t, d, directory.TemplateFact{Channel: "one", Code: "7", Language: "en", At: now + 1, Category: "UTILITY"})
	check("after a newer webhook", "from_document", "UTILITY", "APPROVED")

	if diff := mustApply(t, d, text, directory.ApplyOptions{}); diff != "~ template one/7/en: category UTILITY -> MARKETING\n" {
		t.Errorf("diff is %q", diff)
	}
	learn(t, d, directory.TemplateFact{Channel: "one", Code: "7", Language: "en", At: now + 1, Category: "UTILITY"})
	check("after the same webhook again", "from_document", "MARKETING", "APPROVED")

	if diff := mustApply(t, d, small, directory.ApplyOptions{Prune: true}); diff != "~ template one/7/en: name from_document -> none; category MARKETING -> none\n" {
		t.Errorf("diff is %q", diff)
	}
	check("after prune", "", "", "APPROVED")
	if diff := mustApply(t, d, small, directory.ApplyOptions{Prune: true}); diff != "" {
		t.Errorf("pruning again: %q", diff)
	}
}

// TestFactsWithoutATime come in the order in which they arrive, also within one
// second and one call.
func TestFactsWithoutATime(t *testing.T) {
	for _, order := range [][]string{{"UTILITY", "MARKETING"}, {"MARKETING", "UTILITY"}} {
		d := mustOpen(t, storetest.NewModel())
		mustApply(t, d, small, directory.ApplyOptions{})
		var facts []directory.TemplateFact
		for _, category := range order {
			facts = append(facts, directory.TemplateFact{Channel: "one", Code: "7", Category: category})
		}
		learn(t, d, facts...)
		if got, _ := d.View().Template("one", "7", ""); got.Category != order[1] {
			t.Errorf("after %q the category is %s", order, got.Category)
		}
	}
}
