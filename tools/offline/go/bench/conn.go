package main

import (
	"io"
	"syscall"
)

const (
	readable = syscall.EPOLLIN
	writable = syscall.EPOLLOUT
)

// conn is one connection that never blocks: what the kernel does not take at once waits here.
type conn struct {
	loop    *loop
	fd      int
	waiting []byte
}

// send writes data, or keeps what is left of it for flush.
func (c *conn) send(data []byte) error {
	if len(c.waiting) > 0 {
		c.waiting = append(c.waiting, data...)
		return nil
	}
	rest, err := c.write(data)
	if err == nil && len(rest) > 0 {
		c.waiting = append(c.waiting, rest...)
		c.loop.change(c.fd, readable|writable)
	}
	return err
}

// flush goes on with what waits; call it when the connection is writable.
func (c *conn) flush() error {
	rest, err := c.write(c.waiting)
	c.waiting = append(c.waiting[:0], rest...)
	if err == nil && len(c.waiting) == 0 {
		c.loop.change(c.fd, readable)
	}
	return err
}

func (c *conn) write(data []byte) ([]byte, error) {
	for len(data) > 0 {
		count, err := syscall.Write(c.fd, data)
		if err == syscall.EAGAIN {
			return data, nil
		}
		if err != nil {
			return data, err
		}
		data = data[count:]
	}
	return nil, nil
}

// read returns what has come, in buffer; io.EOF where the other side ended the connection.
func (c *conn) read(buffer []byte) ([]byte, error) {
	count, err := syscall.Read(c.fd, buffer)
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return nil, nil
	}
	if err == nil && count == 0 {
		err = io.EOF
	}
	return buffer[:max(count, 0)], err
}

func (c *conn) close() { c.loop.close(c.fd) }

func noDelay(fd int) { _ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1) }
