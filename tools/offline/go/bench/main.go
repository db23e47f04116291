// The two ends of the gateway's benchmark: a stub in the backend's place, and a load client. Each is one thread.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

func main() {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(400)
	commands := map[string]func([]string) error{"stub": runStub, "load": runLoad}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fail(fmt.Errorf("usage: %s stub|load [options]; -help after either lists them", os.Args[0]))
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
