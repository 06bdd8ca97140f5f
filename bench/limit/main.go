// Command limit removes files by age at the least possible cost: one pass of getdents, lstat and unlink, in one process.
// `limit DIR CUTOFF` removes the session files in DIR last saved before CUTOFF (Unix time) and prints their number.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	if len(os.Args) != 3 || os.Chdir(os.Args[1]) != nil {
		fmt.Fprintln(os.Stderr, "usage: limit DIR CUTOFF")
		os.Exit(2)
	}
	cutoff, _ := strconv.ParseInt(os.Args[2], 10, 64)
	dir, err := syscall.Open(".", syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		panic(err)
	}
	buffer := make([]byte, 64<<10)
	var stat syscall.Stat_t
	removed := 0
	for {
		n, err := syscall.ReadDirent(dir, buffer)
		if n <= 0 || err != nil {
			break
		}
		_, _, names := syscall.ParseDirent(buffer[:n], -1, nil)
		for _, name := range names {
			if !strings.HasPrefix(name, "session_") || syscall.Lstat(name, &stat) != nil || stat.Mtim.Sec >= cutoff {
				continue
			}
			if syscall.Unlink(name) == nil {
				removed++
			}
		}
	}
	fmt.Println(removed)
}
