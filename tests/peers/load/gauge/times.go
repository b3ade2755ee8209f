package gauge

import (
	"math"
	"slices"
	"time"
)

// Dist summarises durations, in milliseconds.
type Dist struct {
	N   int     `json:"n"`
	Min float64 `json:"min_ms"`
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

// Summarize sorts samples in place and returns their distribution.
func Summarize(samples []time.Duration) Dist {
	if len(samples) == 0 {
		return Dist{}
	}
	slices.Sort(samples)
	return Dist{
		N:   len(samples),
		Min: Millis(samples[0]),
		P50: Millis(Percentile(samples, 50)),
		P99: Millis(Percentile(samples, 99)),
		Max: Millis(samples[len(samples)-1]),
	}
}

// Percentile returns the nearest-rank Percentile of a non-empty sorted slice.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

// Millis converts to milliseconds with microsecond precision.
func Millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Seconds converts to Seconds with millisecond precision.
func Seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
