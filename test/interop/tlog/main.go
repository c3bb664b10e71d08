// Checks a log of tiles with golang.org/x/mod/sumdb alone, and proofs that others made of it.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// claims are the proofs to be checked: of leaves by their index, of growth by the earlier size.
type claims struct {
	Inclusion   map[string][]string `json:"inclusion"`
	Consistency map[string]struct {
		Root  string   `json:"root"`
		Proof []string `json:"proof"`
	} `json:"consistency"`
}

// tiles reads the folder of a log: x/mod puts the height into a path, tlog-tiles does not.
type tiles struct{ folder string }

func (t tiles) Height() int                     { return 8 }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range wanted {
		bytes, err := os.ReadFile(t.path(tile))
		if err != nil {
			return nil, err
		}
		read = append(read, bytes)
	}
	return read, nil
}

func (t tiles) path(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), "tile/8/")
	if tile.L == -1 {
		path = "entries" + strings.TrimPrefix(path, "data")
	}
	return filepath.Join(t.folder, "tile", path)
}

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder, vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return err
	}
	// A reader of hashes that checks every tile against the signed root.
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tiles{folder})
	leaves, err := checkLeaves(folder, size, reader)
	if err != nil {
		return err
	}
	proofs, err := checkProofs(size, root, leaves, reader)
	if err != nil {
		return err
	}
	fmt.Printf("%s %d leaves %d proofs\n", lines[0], size, proofs)
	return nil
}

func checkLeaves(folder string, size int64, reader tlog.HashReader) ([]tlog.Hash, error) {
	var leaves []tlog.Hash
	for from := int64(0); from < size; from += 256 {
		tile := tlog.Tile{H: 8, L: -1, N: from / 256, W: int(min(256, size-from))}
		bundle, err := os.ReadFile(tiles{folder}.path(tile))
		if err != nil {
			return nil, err
		}
		for len(bundle) > 0 {
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			leaves = append(leaves, tlog.RecordHash(bundle[2:end]))
			bundle = bundle[end:]
		}
	}
	if int64(len(leaves)) != size {
		return nil, fmt.Errorf("%d leaves in the bundles of a log of %d", len(leaves), size)
	}
	indexes := make([]int64, size)
	for index := range indexes {
		indexes[index] = tlog.StoredHashIndex(0, int64(index))
	}
	stored, err := reader.ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	for index, leaf := range leaves {
		if stored[index] != leaf {
			return nil, fmt.Errorf("leaf %d is not the one of the tree", index)
		}
	}
	return leaves, nil
}

func checkProofs(size int64, root tlog.Hash, leaves []tlog.Hash, reader tlog.HashReader) (int, error) {
	var made claims
	if err := json.NewDecoder(os.Stdin).Decode(&made); err != nil {
		return 0, err
	}
	for text, encoded := range made.Inclusion {
		index, proof, err := parseProof(text, encoded)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckRecord(proof, size, root, index, leaves[index]); err != nil {
			return 0, fmt.Errorf("inclusion of leaf %d: %w", index, err)
		}
		theirs, err := tlog.ProveRecord(size, index, reader)
		if err != nil || !equal(theirs, proof) {
			return 0, fmt.Errorf("another proof of leaf %d: %v", index, err)
		}
	}
	for text, claim := range made.Consistency {
		earlier, proof, err := parseProof(text, claim.Proof)
		if err != nil {
			return 0, err
		}
		before, err := parseHash(claim.Root)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckTree(proof, size, root, earlier, before); err != nil {
			return 0, fmt.Errorf("growth from %d: %w", earlier, err)
		}
		theirs, err := tlog.ProveTree(size, earlier, reader)
		if err != nil || !equal(theirs, proof) {
			return 0, fmt.Errorf("another proof of growth from %d: %v", earlier, err)
		}
	}
	return len(made.Inclusion) + len(made.Consistency), nil
}

func parseProof(number string, encoded []string) (int64, []tlog.Hash, error) {
	parsed, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, nil, err
	}
	var proof []tlog.Hash
	for _, each := range encoded {
		hash, err := parseHash(each)
		if err != nil {
			return 0, nil, err
		}
		proof = append(proof, hash)
	}
	return parsed, proof, nil
}

func parseHash(encoded string) (tlog.Hash, error) {
	var hash tlog.Hash
	bytes, err := base64.StdEncoding.DecodeString(encoded)
	if err == nil && copy(hash[:], bytes) != len(hash) {
		err = fmt.Errorf("a hash of %d bytes", len(bytes))
	}
	return hash, err
}

func equal(a, b []tlog.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
