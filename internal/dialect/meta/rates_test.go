package meta

import (
	"math"
	"testing"

	"waybill"
)

// TestMoneyDoesNotOverflow adds more than there is money.
func TestMoneyDoesNotOverflow(t *testing.T) {
	what := priced{category: "MARKETING", kind: "REGULAR"}
	card := &rateCard{rates: map[priceOf][]waybill.Rate{{category: "MARKETING"}: {{Micros: 100_000e6}}}}
	for _, tt := range []struct {
		name  string
		add   []int64
		known bool
	}{
		{"much", []int64{1e7, 1e7}, true},
		{"a product", []int64{math.MaxInt64 / 1000}, false},
		{"a sum", []int64{4e7, 4e7, 4e7, 4e7}, false},
		{"a sum, then little", []int64{4e7, 4e7, 4e7, 1}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var m money
			for _, n := range tt.add {
				m.add(card, what, n, 0)
			}
			if sum, known := m.known(); known != tt.known || known && sum <= 0 {
				t.Errorf("sum is %d, known %t", sum, known)
			}
		})
	}
}
