package main

import (
	"fmt"
	"strings"
)

const events = 64 // of one stream

var (
	health     = whole(`{"status":"ok"}`)
	models     = whole(`{"object":"list","data":[{"id":"stub","object":"model","created":1700000000,"owned_by":"stub"}]}`)
	completion = whole(`{"id":"chatcmpl-0","object":"chat.completion","created":1700000000,"model":"stub","choices":[` +
		`{"index":0,"message":{"role":"assistant","content":"` + strings.Repeat("One fox, one dog, one sentence. ", 10) +
		`"},"logprobs":null,"finish_reason":"stop"}],` +
		`"usage":{"prompt_tokens":92,"completion_tokens":48,"total_tokens":140}}`)
	embedding  = whole(vector(384))
	streamHead = []byte("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n" +
		"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n")
	chunks = stream()
)

func whole(body string) []byte {
	return []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s", len(body), body))
}

func vector(size int) string {
	values := make([]string, size)
	for index := range values {
		values[index] = fmt.Sprintf("%.8f", float64(index*7919%2000)/10000-0.1)
	}
	return `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[` + strings.Join(values, ",") +
		`]}],"model":"stub","usage":{"prompt_tokens":8,"total_tokens":8}}`
}

// stream is the parts that are sent one by one; the last ends both the events and the body.
func stream() [][]byte {
	var parts [][]byte
	for index := 0; index < events; index++ {
		finish := "null"
		if index == events-1 {
			finish = `"stop"`
		}
		parts = append(parts, chunk(fmt.Sprintf(
			`{"id":"chatcmpl-0","object":"chat.completion.chunk","created":1700000000,"model":"stub","choices":`+
				`[{"index":0,"delta":{"role":"assistant","content":" word%02d"},"logprobs":null,"finish_reason":%s}]}`,
			index, finish)))
	}
	return append(parts, append(chunk("[DONE]"), "0\r\n\r\n"...))
}

func chunk(data string) []byte {
	event := "data: " + data + "\n\n"
	return []byte(fmt.Sprintf("%x\r\n%s\r\n", len(event), event))
}
