// An image registry in memory, over plain HTTP, which ends with whoever started it: for tests.
//
//	registry ADDRESS|fd:N ...
//
// Each argument is a place to listen: an address, or a socket that was opened already, maybe in another network
// namespace, where the same registry then has the same name.
package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	server := &http.Server{
		Handler:           registry.New(registry.Logger(log.New(io.Discard, "", 0))),
		ReadHeaderTimeout: time.Minute,
	}
	ended := make(chan error)
	for _, place := range os.Args[1:] {
		listener, err := listen(place)
		if err != nil {
			log.Fatal(err)
		}
		go func() { ended <- server.Serve(listener) }()
	}
	log.Fatal(<-ended)
}

func listen(place string) (net.Listener, error) {
	number, isFile := strings.CutPrefix(place, "fd:")
	if !isFile {
		return net.Listen("tcp", place)
	}
	descriptor, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return nil, err
	}
	return net.FileListener(os.NewFile(uintptr(descriptor), place))
}
