package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	mark = "data: "
	done = "[DONE]"
)

type stage int

const (
	inHead stage = iota
	inBody
	inSize // the line that says how long the next chunk is
	inGap  // the line end after a chunk, or the empty line after the last one
	complete
)

// response reads one answer as it comes, and counts the events of a stream.
type response struct {
	stage   stage
	status  int
	left    int // bytes of the body or of the chunk
	chunked bool
	isLast  bool // the connection ends with it
	hasBody bool
	events  int
	tail    []byte // the end of the body so far
	line    []byte // a line that did not come whole
	isFinal bool   // the last chunk was announced
}

func (r *response) reset() { *r = response{tail: r.tail[:0], line: r.line[:0]} }

// feed takes what came; what follows the answer is a fault.
func (r *response) feed(data []byte) error {
	for len(data) > 0 {
		switch r.stage {
		case inBody:
			data = r.body(data)
		case complete:
			return errors.New("more came than one answer")
		default:
			line, rest, is := r.cut(data)
			if !is {
				return nil
			}
			data = rest
			if err := r.take(line); err != nil {
				return err
			}
			r.line = r.line[:0]
		}
	}
	return nil
}

// cut is a whole line, put together where it came in pieces.
func (r *response) cut(data []byte) (line, rest []byte, is bool) {
	end := bytes.IndexByte(data, '\n')
	if end < 0 {
		r.line = append(r.line, data...)
		return nil, nil, false
	}
	line = data[:end]
	if len(r.line) > 0 {
		r.line = append(r.line, line...)
		line = r.line
	}
	return bytes.TrimSuffix(line, []byte("\r")), data[end+1:], true
}

func (r *response) take(line []byte) error {
	switch r.stage {
	case inHead:
		return r.head(line)
	case inSize:
		digits, _, _ := bytes.Cut(line, []byte(";"))
		size, err := strconv.ParseUint(string(bytes.TrimSpace(digits)), 16, 31)
		r.left, r.stage, r.isFinal = int(size), inBody, size == 0
		if r.isFinal {
			r.stage = inGap
		}
		return err
	}
	r.stage = inSize
	if r.isFinal {
		r.stage = complete
	}
	return nil
}

func (r *response) head(line []byte) error {
	if r.status == 0 {
		fields := bytes.Fields(line)
		if len(fields) < 2 || !bytes.HasPrefix(fields[0], []byte("HTTP/1.")) {
			return fmt.Errorf("not an answer: %.40q", line)
		}
		status, err := strconv.Atoi(string(fields[1]))
		r.status = status
		return err
	}
	if len(line) == 0 {
		return r.begin()
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch text := strings.TrimSpace(string(value)); {
	case bytes.EqualFold(name, []byte("content-length")):
		r.left, _ = strconv.Atoi(text)
	case bytes.EqualFold(name, []byte("transfer-encoding")):
		r.chunked = strings.EqualFold(text, "chunked")
	case bytes.EqualFold(name, []byte("connection")):
		r.isLast = strings.EqualFold(text, "close")
	}
	return nil
}

func (r *response) begin() error {
	switch {
	case r.chunked:
		r.stage = inSize
	case r.left > 0:
		r.stage = inBody
	default:
		r.stage = complete
	}
	return nil
}

func (r *response) body(data []byte) []byte {
	part := data[:min(len(data), r.left)]
	r.left -= len(part)
	r.hasBody = true
	r.count(part)
	if r.left == 0 {
		r.stage = complete
		if r.chunked {
			r.stage = inGap
		}
	}
	return data[len(part):]
}

// count adds the events that begin in part, or began in what came before and are known only now.
func (r *response) count(part []byte) {
	seam := append(r.tail[max(len(r.tail)-len(mark)+1, 0):], part[:min(len(part), len(mark)-1)]...)
	r.events += bytes.Count(part, []byte(mark)) + bytes.Count(seam, []byte(mark))
	keep := 4 * len(done)
	if len(part) >= keep {
		r.tail = append(r.tail[:0], part[len(part)-keep:]...)
		return
	}
	r.tail = append(r.tail, part...)
	if len(r.tail) > keep {
		r.tail = append(r.tail[:0], r.tail[len(r.tail)-keep:]...)
	}
}

// isDone tells whether a stream came to its proper end.
func (r *response) isDone() bool { return bytes.Contains(r.tail, []byte(done)) }
