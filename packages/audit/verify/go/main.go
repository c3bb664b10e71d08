// Verify verifies a Tallystick log, or the proof of one record, without Tallystick.
//
//	verify LOG VKEY [HEAD...]           a log's folder; HEAD: signed checkpoints that you kept earlier
//	verify LOGS KEYS [HEAD...]          the folder of all logs of a sidecar, <incarnation>/<shard>/ each
//	verify --proof FILE RECORD VKEY     a .tlog-proof and the record that it is a proof of
//
// VKEY is the log's public key, from who runs the log's policy and not from the folder; KEYS a file with one such key a
// line, or the policy itself: a folder of logs has a key for each. It asks nobody, and ends with 0 where all holds, 1
// where anything does not, 2 where it was called wrongly.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	maxRecord  = 60000 // bytes
)

// openCheckpoint returns the tree that the log has signed (c2sp.org/tlog-checkpoint).
func openCheckpoint(data []byte, log note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(data, note.VerifierList(log))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(strings.TrimSuffix(opened.Text, "\n"), "\n")
	if len(lines) != 3 || lines[0] != log.Name() {
		return tlog.Tree{}, errors.New("the checkpoint has not three lines, or is of another log")
	}
	size, err := parseDecimal(lines[1])
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func parseDecimal(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return n, nil
}

// readTile returns path and content of a tile below the log (c2sp.org/tlog-tiles). Where a partial tile is gone, the
// full one has replaced it.
func readTile(log string, level string, t tlog.Tile) (path string, data []byte, width int, err error) {
	for _, width := range []int{t.W, tileWidth} {
		// The same path as in Go's checksum database, but for the height, which is always 8.
		at := strings.Replace(tlog.Tile{H: tileHeight, L: t.L, N: t.N, W: width}.Path(), fmt.Sprintf("tile/8/%d/", t.L), "tile/"+level+"/", 1)
		data, err := os.ReadFile(filepath.Join(log, at))
		if !errors.Is(err, fs.ErrNotExist) {
			return at, data, width, err
		}
		path = at
	}
	return path, nil, 0, fmt.Errorf("%s is missing", path)
}

func readRecords(log string, t tlog.Tile) ([][]byte, error) {
	path, data, width, err := readTile(log, "entries", t)
	if err != nil {
		return nil, err
	}
	var records [][]byte
	for len(records) < t.W {
		index := t.N*tileWidth + int64(len(records))
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s: record %d is cut off", path, index)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		if end == 2 || end-2 > maxRecord {
			return nil, fmt.Errorf("%s: record %d has a wrong size", path, index)
		}
		records = append(records, data[2:end])
		data = data[end:]
	}
	if len(data) > 0 && width == t.W {
		return nil, fmt.Errorf("%s: bytes follow the last record", path)
	}
	return records, nil
}

// derive returns the hashes over all records of a log of this size, in the order in which tlog stores them.
func derive(log string, size int64) (tlog.HashReaderFunc, error) {
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = hashes[index]
		}
		return found, nil
	})
	for index := int64(0); index*tileWidth < size; index++ {
		width := int(min(tileWidth, size-index*tileWidth))
		records, err := readRecords(log, tlog.Tile{H: tileHeight, L: 0, N: index, W: width})
		if err != nil {
			return nil, err
		}
		for i, record := range records {
			stored, err := tlog.StoredHashes(index*tileWidth+int64(i), record, reader)
			if err != nil {
				return nil, err
			}
			hashes = append(hashes, stored...)
		}
	}
	return reader, nil
}

// checkTiles compares every tile of every level with what is derived.
func checkTiles(log string, size int64, derived tlog.HashReaderFunc) error {
	for _, tile := range tlog.NewTiles(tileHeight, 0, size) {
		want, err := tlog.ReadTileData(tile, derived)
		if err != nil {
			return err
		}
		path, got, width, err := readTile(log, strconv.Itoa(tile.L), tile)
		if err != nil {
			return err
		}
		if len(got) != width*tlog.HashSize {
			return fmt.Errorf("%s has not %d hashes", path, width)
		}
		for i := 0; i < len(want); i += tlog.HashSize {
			if !bytes.Equal(want[i:i+tlog.HashSize], got[i:i+tlog.HashSize]) {
				what := "what is below"
				if tile.L == 0 {
					what = fmt.Sprintf("record %d", tile.N<<tile.H+int64(i/tlog.HashSize))
				}
				return fmt.Errorf("%s, hash %d: the tile and %s do not match", path, i/tlog.HashSize, what)
			}
		}
	}
	return nil
}

// readHeads returns the signed checkpoints of the log's file heads: each ends with an empty line.
func readHeads(log string) ([][]byte, error) {
	data, err := os.ReadFile(filepath.Join(log, "heads"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	parts := bytes.Split(data, []byte("\n\n"))
	if len(parts)%2 != 1 || len(parts[len(parts)-1]) != 0 {
		return nil, errors.New("heads: the last head is cut off")
	}
	var heads [][]byte
	for i := 0; i+1 < len(parts); i += 2 {
		heads = append(heads, []byte(string(parts[i])+"\n\n"+string(parts[i+1])+"\n"))
	}
	return heads, nil
}

// verifyLog prints what holds, and returns the tree that the log has signed.
func verifyLog(log string, verifier note.Verifier, kept [][]byte) (tlog.Tree, error) {
	data, err := os.ReadFile(filepath.Join(log, "checkpoint"))
	if err != nil {
		return tlog.Tree{}, err
	}
	tree, err := openCheckpoint(data, verifier)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("checkpoint: %w", err)
	}
	heads, err := readHeads(log)
	if err != nil {
		return tlog.Tree{}, err
	}
	heads = append(heads, kept...)
	derived, err := derive(log, tree.N)
	if err != nil {
		return tlog.Tree{}, err
	}
	if err := checkTiles(log, tree.N, derived); err != nil {
		return tlog.Tree{}, err
	}
	for i, head := range append(heads, data) {
		earlier, err := openCheckpoint(head, verifier)
		if err != nil {
			return tlog.Tree{}, fmt.Errorf("head %d: %w", i, err)
		}
		if earlier.N > tree.N {
			return tlog.Tree{}, fmt.Errorf("records are missing: a head of %d is signed, the log has %d", earlier.N, tree.N)
		}
		root, err := tlog.TreeHash(earlier.N, derived)
		if err != nil {
			return tlog.Tree{}, err
		}
		if root != earlier.Hash {
			return tlog.Tree{}, fmt.Errorf("the records do not lead to the signed root of size %d", earlier.N)
		}
	}
	fmt.Printf("integrity: holds: %d records of %s, root %s\n", tree.N, verifier.Name(), tree.Hash)
	fmt.Printf("completeness: %d earlier heads hold; that no record since the newest of them is missing is not shown\n", len(heads))
	return tree, nil
}

// verifyProof verifies that a record is in a log (c2sp.org/tlog-proof).
func verifyProof(proof, record, vkey string) error {
	verifier, err := note.NewVerifier(strings.TrimSpace(vkey))
	if err != nil {
		return err
	}
	data, err := os.ReadFile(proof)
	if err != nil {
		return err
	}
	leaf, err := os.ReadFile(record)
	if err != nil {
		return err
	}
	head, checkpoint, found := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("the file is not a proof")
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		encoded := strings.TrimPrefix(lines[0], "extra ")
		extra, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err != nil || len(extra) == 0 || base64.StdEncoding.EncodeToString(extra) != encoded {
			return errors.New("the extra data is not base64")
		}
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return errors.New("the proof has no index")
	}
	index, err := parseDecimal(strings.TrimPrefix(lines[0], "index "))
	if err != nil {
		return err
	}
	var hashes tlog.RecordProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil || hash.String() != line {
			return errors.New("a hash of the proof is malformed")
		}
		hashes = append(hashes, hash)
	}
	tree, err := openCheckpoint([]byte(checkpoint), verifier)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := tlog.CheckRecord(hashes, tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
		return err
	}
	fmt.Printf("proof: holds: this is record %d of the %d that the log has signed\n", index, tree.N)
	return nil
}

func main() {
	arguments := os.Args[1:]
	var err error
	switch {
	case len(arguments) == 4 && arguments[0] == "--proof":
		err = verifyProof(arguments[1], arguments[2], arguments[3])
	case len(arguments) >= 2 && !strings.HasPrefix(arguments[0], "-"):
		err = verifyFolder(arguments[0], arguments[1], arguments[2:])
	default:
		fmt.Fprintln(os.Stderr, "verify LOG VKEY [HEAD...]\nverify LOGS KEYS [HEAD...]\nverify --proof FILE RECORD VKEY")
		os.Exit(2)
	}
	if err != nil {
		fmt.Println("FAILS:", err)
		os.Exit(1)
	}
}
