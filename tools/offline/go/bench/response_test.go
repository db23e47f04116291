package main

import "testing"

const streamed = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" +
	"9\r\ndata: 1\n\n\r\n12\r\ndata: 2\n\ndata: 3\n\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"

func TestAnAnswerIsUnderstoodHoweverItIsCut(t *testing.T) {
	for size := 1; size <= len(streamed); size++ {
		var answer response
		for start := 0; start < len(streamed); start += size {
			if err := answer.feed([]byte(streamed[start:min(start+size, len(streamed))])); err != nil {
				t.Fatalf("in pieces of %d: %v", size, err)
			}
		}
		if answer.stage != complete || answer.status != 200 || answer.events != 4 || !answer.isDone() {
			t.Errorf("in pieces of %d: %+v", size, answer)
		}
	}
}

func TestAnAnswerMayBeUsedAgain(t *testing.T) {
	var answer response
	for turn := 0; turn < 3; turn++ {
		answer.reset()
		if err := answer.feed([]byte(streamed)); err != nil || answer.events != 4 {
			t.Errorf("turn %d: %v, %+v", turn, err, answer)
		}
	}
}

func TestMoreThanAnAnswerIsAFault(t *testing.T) {
	var answer response
	if answer.feed([]byte("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1")) == nil {
		t.Error("it was taken")
	}
}

func TestAHistogramIsRightToOnePartIn64(t *testing.T) {
	for _, value := range []uint64{0, 1, 63, 64, 127, 128, 1000, 65_535, 1_000_000, 1 << 40} {
		found := uint64(lowest(bucket(value)))
		if found > value || value-found > value/64 {
			t.Errorf("%d is kept as %d", value, found)
		}
	}
}
