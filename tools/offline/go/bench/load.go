package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"net"
	"os"
	"strings"
	"time"
)

const (
	forgottenS = 10 // a request that is still unanswered after so many seconds, when the run ends, is an error
	againAfter = 20 * time.Millisecond
	mostAborts = 50 * time.Millisecond // a client that leaves does so within this time
)

// plan is what the options say.
type plan struct {
	address     *net.TCPAddr
	request     []byte
	connections int
	seconds     float64
	warmup      float64
	requests    int
	rate        float64
	aborts      float64
	isStream    bool
}

// figures is what is printed, as one line of JSON. Times in microseconds unless named otherwise.
type figures struct {
	Seconds    float64        `json:"seconds"`
	Requests   int            `json:"requests"`
	All        int            `json:"all"` // with those of the warm-up
	AllEvents  int            `json:"all_events"`
	Events     int            `json:"events"`
	Errors     int            `json:"errors"`
	FirstError string         `json:"first_error"`
	Refused    int            `json:"refused"` // answered 429
	Aborted    int            `json:"aborted"`
	P50        float64        `json:"p50"`
	P90        float64        `json:"p90"`
	P99        float64        `json:"p99"`
	FirstP50   float64        `json:"first_p50"`
	FirstP99   float64        `json:"first_p99"`
	RefusedP99 float64        `json:"refused_p99"`
	Statuses   map[string]int `json:"statuses"`
}

// load is a run: its clients, and what they saw.
type load struct {
	plan
	loop                 *loop
	random               *rand.Rand
	began, counted, ends time.Time
	sent                 int
	took, first, refused histogram
	seen                 figures
}

// runLoad asks one address over and over and prints what came of it.
func runLoad(arguments []string) error {
	plan, err := parse(arguments)
	if err != nil {
		return err
	}
	loop, err := newLoop()
	if err != nil {
		return err
	}
	now := time.Now()
	run := &load{plan: plan, loop: loop, random: rand.New(rand.NewSource(now.UnixNano())), began: now}
	run.counted = now.Add(duration(plan.warmup))
	run.ends = run.counted.Add(duration(plan.seconds))
	run.seen.Statuses = map[string]int{}
	clients := make([]*client, plan.connections)
	for index := range clients {
		clients[index] = &client{load: run, index: index}
		clients[index].connect()
	}
	if err := loop.run(func() bool { return run.isOver(clients) }); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(run.figures(clients))
}

func parse(arguments []string) (plan, error) {
	var found plan
	var headers lines
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	address := flags.String("address", "", "host:port to ask")
	path := flags.String("path", "/v1/chat/completions", "where")
	body := flags.String("body", "", "what to send, JSON; without it the request is a GET")
	flags.Var(&headers, "header", "a line to send along; may be given again")
	flags.IntVar(&found.connections, "connections", 1, "clients, each with a connection that is kept")
	flags.Float64Var(&found.seconds, "seconds", 3, "how long to count")
	flags.Float64Var(&found.warmup, "warmup", 0, "seconds before that")
	flags.IntVar(&found.requests, "requests", 0, "stop after so many; 0: when the time is over")
	flags.Float64Var(&found.rate, "rate", 0, "requests a second over all connections; 0: each as soon as it can")
	flags.Float64Var(&found.aborts, "aborts", 0, "the share of requests whose client leaves early")
	flags.BoolVar(&found.isStream, "stream", false, "an answer that does not end in [DONE] is an error")
	_ = flags.Parse(arguments)
	resolved, err := net.ResolveTCPAddr("tcp4", *address)
	found.address = resolved
	found.request = compose(*address, *path, *body, headers)
	return found, err
}

func compose(address, path, body string, headers []string) []byte {
	method := "POST"
	if body == "" {
		method = "GET"
	} else {
		headers = append(headers, "content-type: application/json", fmt.Sprintf("content-length: %d", len(body)))
	}
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nhost: %s\r\n", method, path, address)
	for _, line := range headers {
		head += line + "\r\n"
	}
	return []byte(head + "\r\n" + body)
}

func (l *load) isCounted() bool { return !time.Now().Before(l.counted) }

func (l *load) isEnough() bool { return l.requests > 0 && l.sent >= l.requests }

// isOver: the time is up, or every request that was to be made has come to its end.
func (l *load) isOver(clients []*client) bool {
	if l.requests == 0 {
		return !time.Now().Before(l.ends)
	}
	if !l.isEnough() {
		return false
	}
	for _, client := range clients {
		if client.isBusy {
			return time.Since(client.asked) > forgottenS*time.Second
		}
	}
	return true
}

func (l *load) figures(clients []*client) figures {
	for _, client := range clients {
		if client.isBusy && time.Since(client.asked) > forgottenS*time.Second {
			l.fault(fmt.Errorf("no answer within %d s", forgottenS))
		}
	}
	seen := l.seen
	seen.Seconds = time.Since(l.counted).Seconds()
	seen.P50, seen.P90, seen.P99 = l.took.at(0.5), l.took.at(0.9), l.took.at(0.99)
	seen.FirstP50, seen.FirstP99 = l.first.at(0.5), l.first.at(0.99)
	seen.RefusedP99 = l.refused.at(0.99)
	return seen
}

func (l *load) fault(err error) {
	l.seen.Errors++
	if l.seen.FirstError == "" {
		l.seen.FirstError = err.Error()
	}
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

type lines []string

func (l *lines) String() string { return strings.Join(*l, ", ") }

func (l *lines) Set(line string) error {
	*l = append(*l, line)
	return nil
}
