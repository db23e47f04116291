package main

import (
	"bytes"
	"flag"
	"fmt"
	"strconv"
	"syscall"
	"time"
)

const roomBytes = 1 << 20 // for a request, head and body

// runStub answers as an engine would, much faster. A text "@wait 20@" in a body asks for 20 ms before each part.
func runStub(arguments []string) error {
	flags := flag.NewFlagSet("stub", flag.ExitOnError)
	port := flags.Int("port", 0, "to listen on, on the loopback")
	_ = flags.Parse(arguments)
	loop, err := newLoop()
	if err != nil {
		return err
	}
	listener, err := listen(*port)
	if err != nil {
		return fmt.Errorf("port %d: %w", *port, err)
	}
	if err := loop.watch(listener, readable, func(uint32) { accept(loop, listener) }); err != nil {
		return err
	}
	return loop.run(func() bool { return false })
}

func listen(port int) (int, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fd, err
	}
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return fd, err
	}
	return fd, syscall.Listen(fd, 4096)
}

func accept(loop *loop, listener int) {
	for {
		fd, _, err := syscall.Accept4(listener, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		noDelay(fd)
		caller := &caller{conn: conn{loop: loop, fd: fd}}
		if loop.watch(fd, readable, caller.ready) != nil {
			caller.close()
		}
	}
}

// caller is a connection to the stub, and the requests that come over it one after the other.
type caller struct {
	conn
	came     []byte
	isBusy   bool
	isClosed bool
}

var readBuffer [64 << 10]byte // one thread: all connections read into the same

func (c *caller) ready(events uint32) {
	if events&writable != 0 && c.flush() != nil {
		c.end()
		return
	}
	if events&^writable == 0 {
		return
	}
	data, err := c.read(readBuffer[:])
	c.came = append(c.came, data...)
	if err != nil || len(c.came) > roomBytes {
		c.end()
		return
	}
	c.serve()
}

// serve answers the requests that are here whole, unless one is being answered.
func (c *caller) serve() {
	for !c.isBusy && !c.isClosed {
		head, body, size := request(c.came)
		if size == 0 {
			return
		}
		parts, wait := answer(head, body)
		c.came = append(c.came[:0], c.came[size:]...)
		c.isBusy = true
		if wait > 0 {
			c.loop.after(wait, func() { c.pace(parts, wait) })
		} else {
			c.pour(parts)
		}
	}
}

// pour sends every part at once, each by itself, as an engine does.
func (c *caller) pour(parts [][]byte) {
	for _, part := range parts {
		if c.send(part) != nil {
			c.end()
			return
		}
	}
	c.isBusy = false
}

// pace sends a part, and the next one after wait.
func (c *caller) pace(parts [][]byte, wait time.Duration) {
	if c.isClosed {
		return
	}
	if c.send(parts[0]) != nil {
		c.end()
		return
	}
	if len(parts) > 1 {
		c.loop.after(wait, func() { c.pace(parts[1:], wait) })
		return
	}
	c.isBusy = false
	c.serve()
}

func (c *caller) end() {
	c.isClosed = true
	c.close()
}

// request is the first one in data, and its size; 0 while it is not here whole.
func request(data []byte) (head, body []byte, size int) {
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, nil, 0
	}
	head = data[:end]
	if value, is := header(head, "content-length"); is {
		length, _ := strconv.Atoi(value)
		if len(data) < end+4+length {
			return nil, nil, 0
		}
		return head, data[end+4 : end+4+length], end + 4 + length
	}
	if value, is := header(head, "transfer-encoding"); is && value == "chunked" {
		last := bytes.Index(data[end+4:], []byte("0\r\n\r\n"))
		if last < 0 {
			return nil, nil, 0
		}
		return head, data[end+4 : end+4+last], end + 4 + last + 5
	}
	return head, nil, end + 4
}

// header is the value of the header name, which is in lower case.
func header(head []byte, name string) (string, bool) {
	for _, line := range bytes.Split(head, []byte("\r\n"))[1:] {
		if len(line) > len(name) && line[len(name)] == ':' && bytes.EqualFold(line[:len(name)], []byte(name)) {
			return string(bytes.TrimSpace(line[len(name)+1:])), true
		}
	}
	return "", false
}

func answer(head, body []byte) ([][]byte, time.Duration) {
	wait := pause(body)
	switch {
	case bytes.HasPrefix(head, []byte("GET /v1/models")), bytes.HasPrefix(head, []byte("GET /models")):
		return [][]byte{models}, 0
	case bytes.HasPrefix(head, []byte("POST /v1/embeddings")):
		return [][]byte{embedding}, wait
	case !bytes.HasPrefix(head, []byte("POST /v1/chat/completions")):
		return [][]byte{health}, 0
	case bytes.Contains(body, []byte(`"stream":true`)), bytes.Contains(body, []byte(`"stream": true`)):
		return append([][]byte{streamHead}, chunks...), wait
	}
	return [][]byte{completion}, wait
}

func pause(body []byte) time.Duration {
	_, rest, is := bytes.Cut(body, []byte("@wait "))
	if !is {
		return 0
	}
	digits, _, _ := bytes.Cut(rest, []byte("@"))
	milliseconds, _ := strconv.Atoi(string(digits))
	return time.Duration(milliseconds) * time.Millisecond
}
