// A stand-in for authentik's proxy outpost as far as /dev/shm goes, and visitors for it. Nothing is proxied and nobody is
// authenticated. It keeps sessions as files, as an outpost in Go (up to authentik 2026.5) does, and answers as one would.
//
//	outpost-stand-in                 serves on the outpost's ports
//	outpost-stand-in visit FLAGS     visits it; prints a line of JSON a second (see visit.go)
package main

import (
	"fmt"
	"os"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 1:
		err = serve()
	case os.Args[1] == "visit":
		err = visit(os.Args[2:])
	default:
		err = fmt.Errorf("unknown command %q", os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "outpost-stand-in:", err)
		os.Exit(1)
	}
}
