package main

import (
	"fmt"
	"time"

	"waybill/internal/load"
)

// importWork is an import as a progress shows it: by bytes that were read.
func importWork(from *load.Checkpoint, m *load.Meter) work {
	begun, total := time.Now(), int64(0)
	for _, in := range from.Inputs {
		if total += in.Size; in.Size < 0 {
			total = -1
			break
		}
	}
	return work{total: total, bytes: true, state: func() (int64, string) {
		received, rejected := m.Rows()
		rate := float64(received) / time.Since(begun).Seconds()
		text := fmt.Sprintf("%s rows, %s a second", grouped(received), grouped(int64(rate)))
		if rejected > 0 {
			text += fmt.Sprintf(", %s rejected", grouped(rejected))
		}
		return m.Read(), text
	}}
}
