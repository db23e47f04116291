package main

import (
	"fmt"
	"io"
	"strconv"
	"syscall"
	"time"
)

// client asks over one connection, one request after the other, and connects again where it was ended.
type client struct {
	conn
	load        *load
	index       int
	answer      response
	asked       time.Time // where there is a rate: when it was due, so that waiting for a slow answer counts
	due         time.Time
	isConnected bool
	isBusy      bool
	turn        int // tells a timer whether what it was set for is still under way
}

func (c *client) connect() {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		c.retry(err)
		return
	}
	noDelay(fd)
	c.conn = conn{loop: c.load.loop, fd: fd}
	to := &syscall.SockaddrInet4{Port: c.load.address.Port}
	copy(to.Addr[:], c.load.address.IP.To4())
	if err := syscall.Connect(fd, to); err != nil && err != syscall.EINPROGRESS {
		_ = syscall.Close(fd)
		c.retry(err)
		return
	}
	if err := c.loop.watch(fd, writable, c.ready); err != nil {
		c.retry(err)
	}
}

func (c *client) ready(events uint32) {
	if !c.isConnected {
		c.arrive()
		return
	}
	if events&writable != 0 {
		if err := c.flush(); err != nil {
			c.lose(err)
			return
		}
	}
	if events&^writable != 0 {
		c.hear()
	}
}

func (c *client) arrive() {
	if code, _ := syscall.GetsockoptInt(c.fd, syscall.SOL_SOCKET, syscall.SO_ERROR); code != 0 {
		c.lose(syscall.Errno(code))
		return
	}
	c.isConnected = true
	c.loop.change(c.fd, readable)
	c.next()
}

// next asks at once, or when its turn comes where there is a rate.
func (c *client) next() {
	if c.load.rate == 0 {
		c.ask(time.Now())
		return
	}
	every := duration(float64(c.load.connections) / c.load.rate)
	if c.due.IsZero() {
		c.due = c.load.began.Add(every * time.Duration(c.index) / time.Duration(c.load.connections))
	}
	due, turn := c.due, c.turn
	c.due = c.due.Add(every)
	c.loop.at(due, func() {
		if c.turn == turn && c.isConnected {
			c.ask(due)
		}
	})
}

func (c *client) ask(due time.Time) {
	if c.load.isEnough() {
		return
	}
	c.load.sent++
	c.answer.reset()
	c.asked, c.isBusy = due, true
	request := c.load.request
	if c.load.aborts > 0 && c.load.random.Float64() < c.load.aborts {
		request = c.load.part(request)
		c.leaveLater()
	}
	if err := c.send(request); err != nil {
		c.lose(err)
	}
}

// part is a request as a client sends it that leaves: most often whole, sometimes broken off.
func (l *load) part(request []byte) []byte {
	if l.random.Intn(4) > 0 {
		return request
	}
	return request[:1+l.random.Intn(len(request)-1)]
}

func (c *client) leaveLater() {
	turn := c.turn
	c.loop.after(time.Duration(c.load.random.Int63n(int64(mostAborts))), func() {
		if c.turn == turn && c.isBusy {
			c.load.seen.Aborted++
			c.hangUp()
			c.connect()
		}
	})
}

func (c *client) hear() {
	data, err := c.read(readBuffer[:])
	if err == nil && len(data) > 0 && c.isBusy {
		err = c.take(data)
	}
	if err != nil {
		c.lose(err)
	}
}

func (c *client) take(data []byte) error {
	isFirst, events := !c.answer.hasBody, c.answer.events
	if err := c.answer.feed(data); err != nil {
		return err
	}
	c.load.seen.AllEvents += c.answer.events - events
	if c.load.isCounted() {
		c.load.seen.Events += c.answer.events - events
		if isFirst && c.answer.hasBody {
			c.load.first.add(time.Since(c.asked))
		}
	}
	if c.answer.stage == complete {
		return c.finish()
	}
	return nil
}

func (c *client) finish() error {
	c.isBusy = false
	c.turn++
	if err := c.load.record(&c.answer, time.Since(c.asked)); err != nil {
		return err
	}
	if c.answer.isLast {
		c.hangUp()
		c.connect()
		return nil
	}
	c.next()
	return nil
}

func (l *load) record(answer *response, took time.Duration) error {
	l.seen.All++
	if !l.isCounted() {
		return nil
	}
	l.seen.Statuses[strconv.Itoa(answer.status)]++
	switch {
	case answer.status == 429:
		l.seen.Refused++
		l.refused.add(took)
	case answer.status != 200:
		l.fault(fmt.Errorf("status %d", answer.status))
	case l.isStream && !answer.isDone():
		return fmt.Errorf("a stream without its end")
	default:
		l.seen.Requests++
		l.took.add(took)
	}
	return nil
}

// lose: the connection is of no more use. Only where an answer was awaited is that an error.
func (c *client) lose(err error) {
	wasIdle := c.isConnected && !c.isBusy && err == io.EOF
	c.hangUp()
	if wasIdle {
		c.connect()
		return
	}
	c.retry(err)
}

func (c *client) hangUp() {
	c.isBusy, c.isConnected = false, false
	c.turn++
	c.close()
}

func (c *client) retry(err error) {
	c.load.fault(err)
	c.load.loop.after(againAfter, c.connect)
}
