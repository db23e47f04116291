// Probe takes a workload's place where it is tried who reaches whom: it answers on ports, and tries addresses itself.
//
// Usage: probe CONTROL PORT...
//
// Every PORT answers 200 to whatever is asked, and prints the bodies that are sent to it. CONTROL takes addresses, a line
// each, `tcp host:port` or `udp host:port` (a server of names), tries all of them at once, and answers with `open` or
// `shut` before each.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	patience = 1500 * time.Millisecond
	known    = "kubernetes.default.svc.cluster.local."
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: probe CONTROL PORT...")
	}
	for _, port := range os.Args[2:] {
		go func(port string) { log.Fatal(http.ListenAndServe(":"+port, http.HandlerFunc(answer))) }(port)
	}
	log.Fatal(http.ListenAndServe(":"+os.Args[1], http.HandlerFunc(control)))
}

func answer(_ http.ResponseWriter, request *http.Request) {
	if body, err := io.ReadAll(request.Body); err == nil && len(body) > 0 {
		fmt.Println(string(body))
	}
}

func control(writer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	targets := strings.Split(strings.TrimSpace(string(body)), "\n")
	found := make([]string, len(targets))
	var all sync.WaitGroup
	for number, target := range targets {
		all.Add(1)
		go func(number int, target string) {
			defer all.Done()
			found[number] = try(target) + " " + target
		}(number, target)
	}
	all.Wait()
	fmt.Fprintln(writer, strings.Join(found, "\n"))
}

func try(target string) string {
	kind, address, _ := strings.Cut(target, " ")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	reach := connect
	if kind == "udp" {
		reach = ask
	}
	if reach(ctx, address) != nil {
		return "shut"
	}
	return "open"
}

func connect(ctx context.Context, address string) error {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err == nil {
		connection.Close()
	}
	return err
}

// A packet that nobody answers tells nothing: the server has to know a name.
func ask(ctx context.Context, address string) error {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", address)
	}
	_, err := (&net.Resolver{PreferGo: true, Dial: dial}).LookupHost(ctx, known)
	return err
}
