// Appends to a log by Tessera's POSIX driver for a while, from several goroutines that each add anew once their entry is
// durable, and prints how many entries that were in a second.
package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run takes the folder, then how many goroutines, for how many milliseconds, and the bytes of an entry.
func run(folder string, args []string) error {
	var numbers [3]int
	for i := range numbers {
		number, err := strconv.Atoi(args[i])
		if err != nil {
			return err
		}
		numbers[i] = number
	}
	concurrency, forMs, entryBytes := numbers[0], numbers[1], numbers[2]
	ctx := context.Background()
	secret, _, err := note.GenerateKey(rand.Reader, "acme.example/tessera")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	driver, err := posix.New(ctx, posix.Config{Path: folder})
	if err != nil {
		return err
	}
	// A batch goes as soon as all that can be there are there: what suits a closed loop best. Heads are signed as often
	// as Tessera may, and not waited for: an entry counts once it is durable and in the tree.
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(uint(concurrency), 10*time.Second).
		WithCheckpointInterval(100 * time.Millisecond)
	appender, _, _, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return err
	}
	var added atomic.Uint64
	failures := make(chan error, concurrency)
	add := func(number uint64) error {
		entry := make([]byte, entryBytes)
		binary.BigEndian.PutUint64(entry, number)
		_, err := appender.Add(ctx, tessera.NewEntry(entry))()
		return err
	}
	start := time.Now()
	end := start.Add(time.Duration(forMs) * time.Millisecond)
	var group sync.WaitGroup
	var next atomic.Uint64
	// In lockstep: a batch waits for all, so that all have to go on as long as one does.
	for time.Now().Before(end) {
		for range concurrency {
			group.Add(1)
			go func() {
				defer group.Done()
				if err := add(next.Add(1)); err != nil {
					failures <- err
					return
				}
				added.Add(1)
			}()
		}
		group.Wait()
		select {
		case err := <-failures:
			return err
		default:
		}
	}
	fmt.Printf("%.1f\n", float64(added.Load())/time.Since(start).Seconds())
	return nil
}
