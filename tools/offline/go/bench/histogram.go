package main

import (
	"math/bits"
	"time"
)

const fine = 6 // bits: a figure is kept to 1 part in 64

// histogram counts durations in microseconds; its size does not grow with what it counts.
type histogram struct {
	counts [64 << fine]uint64
	total  uint64
}

func (h *histogram) add(took time.Duration) {
	h.counts[bucket(uint64(max(took.Microseconds(), 0)))]++
	h.total++
}

// at is the duration in microseconds that the share of all does not exceed; 0 where there is none.
func (h *histogram) at(share float64) float64 {
	if h.total == 0 {
		return 0
	}
	left := uint64(share * float64(h.total-1))
	for index, count := range h.counts {
		if left < count {
			return float64(lowest(index))
		}
		left -= count
	}
	return 0
}

func bucket(value uint64) int {
	shift := max(bits.Len64(value)-fine-1, 0)
	return shift<<fine + int(value>>shift)
}

func lowest(index int) uint64 {
	shift := max(index>>fine-1, 0)
	return uint64(index-shift<<fine) << shift
}
