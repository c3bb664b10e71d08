package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// head is the last head of a log, as the first record of the next one carries it.
type head struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   string `json:"root"`
}

// link is what a record says about the logs before and after its own.
type link struct {
	Type string `json:"type"`
	Body struct {
		Previous *head  `json:"previous"`
		Next     string `json:"next"`
	} `json:"body"`
}

// verifyFolder verifies one log, or all logs of a sidecar.
func verifyFolder(folder, keyText string, keptPaths []string) error {
	keys, err := readKeys(keyText)
	if err != nil {
		return err
	}
	var kept [][]byte
	for _, path := range keptPaths {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		kept = append(kept, data)
	}
	checkpoint, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		return verifyLogs(folder, keys, kept)
	} else if err != nil {
		return err
	}
	key := keys[originOf(checkpoint)]
	if len(keys) == 1 {
		for _, only := range keys {
			key = only
		}
	}
	if key == nil {
		return fmt.Errorf("no key was given for %s", originOf(checkpoint))
	}
	_, err = verifyLog(folder, key, kept)
	return err
}

// readKeys returns the keys by the names of their logs: of a file of vkeys, of a policy, or the one that the text is.
func readKeys(text string) (map[string]note.Verifier, error) {
	if info, err := os.Stat(text); err == nil && info.Mode().IsRegular() {
		data, err := os.ReadFile(text)
		if err != nil {
			return nil, err
		}
		text = string(data)
	}
	keys := map[string]note.Verifier{}
	for _, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 2 && words[0] == "log" {
			words = words[1:]
		}
		if len(words) != 1 || strings.HasPrefix(words[0], "#") {
			continue
		}
		key, err := note.NewVerifier(words[0])
		if err != nil {
			return nil, err
		}
		keys[key.Name()] = key
	}
	if len(keys) == 0 {
		return nil, errors.New("no key was given")
	}
	return keys, nil
}

func originOf(checkpoint []byte) string {
	line, _, _ := bytes.Cut(checkpoint, []byte("\n"))
	return string(line)
}

// logPaths returns the folders of logs that have published something, in the order of incarnations and shards.
func logPaths(folder string) ([]string, error) {
	numbers := func(path string) ([]int, error) {
		entries, err := os.ReadDir(path)
		var found []int
		for _, entry := range entries {
			if n, err := strconv.Atoi(entry.Name()); err == nil && n > 0 && strconv.Itoa(n) == entry.Name() {
				found = append(found, n)
			}
		}
		sort.Ints(found)
		return found, err
	}
	incarnations, err := numbers(folder)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, incarnation := range incarnations {
		shards, err := numbers(filepath.Join(folder, strconv.Itoa(incarnation)))
		if err != nil {
			return nil, err
		}
		for _, shard := range shards {
			path := fmt.Sprintf("%d/%d", incarnation, shard)
			if _, err := os.Stat(filepath.Join(folder, path, "checkpoint")); err == nil {
				paths = append(paths, path)
			}
		}
	}
	return paths, nil
}

// linksOf returns what the first and the last record of a log say.
func linksOf(log string, size int64) (first, last link, err error) {
	for _, each := range []struct {
		index int64
		link  *link
	}{{0, &first}, {size - 1, &last}} {
		bundle := each.index / tileWidth
		width := int(min(tileWidth, size-bundle*tileWidth))
		records, err := readRecords(log, tlog.Tile{H: tileHeight, L: 0, N: bundle, W: width})
		if err != nil {
			return first, last, err
		}
		// What is no such record says nothing.
		_ = json.Unmarshal(records[each.index%tileWidth], each.link)
	}
	return first, last, nil
}

// verifyLogs verifies all logs of a sidecar, and that each begins with the last head of one before it.
func verifyLogs(folder string, keys map[string]note.Verifier, kept [][]byte) error {
	paths, err := logPaths(folder)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return fmt.Errorf("there is no log in %s", folder)
	}
	lasts, there, used := map[string]head{}, map[string]bool{}, 0
	var absent, following []string
	for i, path := range paths {
		log := filepath.Join(folder, path)
		checkpoint, err := os.ReadFile(filepath.Join(log, "checkpoint"))
		if err != nil {
			return err
		}
		origin := originOf(checkpoint)
		if !strings.HasSuffix(origin, "/"+path) {
			return fmt.Errorf("%s: the log of %s does not belong into this folder", path, origin)
		}
		if keys[origin] == nil {
			return fmt.Errorf("%s: no key was given for %s", path, origin)
		}
		var own [][]byte
		for _, data := range kept {
			if originOf(data) == origin {
				own = append(own, data)
			}
		}
		used += len(own)
		tree, err := verifyLog(log, keys[origin], own)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		there[origin] = true
		if tree.N > 0 {
			first, last, err := linksOf(log, tree.N)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if first.Type != "log.genesis" && first.Type != "log.shard_opened" {
				return fmt.Errorf("%s: it does not begin with its origin", path)
			}
			switch previous := first.Body.Previous; {
			case previous == nil && (i > 0 || first.Type != "log.genesis"):
				return fmt.Errorf("%s: it carries no head of the log before", path)
			case previous == nil:
			case lasts[previous.Origin] == *previous:
				delete(lasts, previous.Origin)
			case i == 0:
				absent = append(absent, "earlier logs, from "+previous.Origin+" on")
			default:
				return fmt.Errorf("%s: it does not carry the last head of a log before it, or another one carries it too", path)
			}
			if last.Type == "log.shard_closed" && last.Body.Next != "" {
				following = append(following, last.Body.Next)
			}
		}
		lasts[origin] = head{origin, tree.N, tree.Hash.String()}
	}
	if used < len(kept) {
		return errors.New("records are missing: a head is of a log that is not there")
	}
	for _, next := range following {
		if !there[next] {
			absent = append(absent, next)
		}
	}
	fmt.Printf("links: hold: %d logs", len(paths))
	if len(absent) > 0 {
		fmt.Printf("; not there: %s", strings.Join(absent, ", "))
	}
	fmt.Println()
	return nil
}
