package main

import (
	"container/heap"
	"syscall"
	"time"
)

// A goroutine for each connection would cost about as much as the proxies that are measured; this is epoll, plainly.
type loop struct {
	epoll  int
	ready  map[int]func(events uint32)
	timers timers
}

func newLoop() (*loop, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	return &loop{epoll: epoll, ready: map[int]func(uint32){}}, err
}

// watch calls ready whenever fd has one of the events.
func (l *loop) watch(fd int, events uint32, ready func(uint32)) error {
	l.ready[fd] = ready
	return syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd)})
}

func (l *loop) change(fd int, events uint32) {
	_ = syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_MOD, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd)})
}

// close ends fd; what epoll still has to say about it is not heard.
func (l *loop) close(fd int) {
	delete(l.ready, fd)
	_ = syscall.Close(fd)
}

func (l *loop) after(wait time.Duration, do func()) { l.at(time.Now().Add(wait), do) }

func (l *loop) at(due time.Time, do func()) { heap.Push(&l.timers, timer{due, do}) }

// run handles events and timers until over says so.
func (l *loop) run(over func() bool) error {
	var events [256]syscall.EpollEvent
	for !over() {
		count, err := syscall.EpollWait(l.epoll, events[:], l.patience())
		if err != nil && err != syscall.EINTR {
			return err
		}
		for _, event := range events[:max(count, 0)] {
			if ready := l.ready[int(event.Fd)]; ready != nil {
				ready(event.Events)
			}
		}
		l.fire(time.Now())
	}
	return nil
}

// patience is in milliseconds: up to the next timer, and never so long that over is not asked.
func (l *loop) patience() int {
	if len(l.timers) == 0 {
		return 100
	}
	wait := time.Until(l.timers[0].due)
	return int(min(max(wait+time.Millisecond-1, 0)/time.Millisecond, 100))
}

func (l *loop) fire(now time.Time) {
	for len(l.timers) > 0 && !l.timers[0].due.After(now) {
		heap.Pop(&l.timers).(timer).do()
	}
}

type timer struct {
	due time.Time
	do  func()
}

type timers []timer

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].due.Before(t[j].due) }
func (t timers) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)        { *t = append(*t, x.(timer)) }
func (t *timers) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}
