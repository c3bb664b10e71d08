#!/usr/bin/env python3
"""Verifies a Tallystick log, or the proof of one record, without Tallystick.

    verify.py LOG VKEY [HEAD...]           a log's folder; HEAD: signed checkpoints that you kept earlier
    verify.py LOGS KEYS [HEAD...]          the folder of all logs of a sidecar, <incarnation>/<shard>/ each
    verify.py --proof FILE RECORD VKEY     a .tlog-proof and the record that it is a proof of

VKEY is the log's public key, from who runs the log's policy and not from the folder; KEYS a file with one such key a
line, or the policy itself: a folder of logs has a key for each. It needs Python 3.8 and, for
Ed25519, the command openssl (3.0). It reads the files that it is given, asks nobody, and ends with 0 where all holds,
1 where anything does not, 2 where it was called wrongly. Formats: c2sp.org/signed-note, /tlog-checkpoint, /tlog-tiles,
/tlog-proof; hashes: RFC 6962, section 2.1.
"""
import base64, hashlib, json, os, re, subprocess, sys, tempfile

MAX_RECORD = 60000  # bytes


class Refused(Exception):
    pass


def require(condition, why):
    if not condition:
        raise Refused(why)


def sha256(data):
    return hashlib.sha256(data).digest()


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def decode(text, what):
    """Strict base64: one spelling for each sequence of bytes."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = b""
    require(base64.b64encode(data).decode() == text, what + " is not base64")
    return data


def decimal(text, what):
    require(re.fullmatch("0|[1-9][0-9]{0,15}", text, re.ASCII), what + " is not a number")
    return int(text)


# --- signed notes and checkpoints ---


def parse_vkey(vkey):
    name, key_id, key = (vkey.strip().split("+", 2) + ["", ""])[:3]
    data = decode(key, "the vkey")
    require(len(data) == 33 and data[0] == 1, "the vkey is not an Ed25519 key of a log")
    require(sha256(name.encode() + b"\n" + data)[:4].hex() == key_id, "the id of the vkey is not that of its key")
    return name, bytes.fromhex(key_id), data[1:]


def ed25519_holds(public_key, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        spki = bytes.fromhex("302a300506032b6570032100") + public_key
        for name, data in (("key", spki), ("message", message), ("signature", signature)):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        verify = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in message -sigfile signature"
        return subprocess.run(verify.split(), cwd=folder, stdout=-3, stderr=-3).returncode == 0


def open_checkpoint(data, vkey):
    """Returns size and root of a checkpoint that the log has signed."""
    name, key_id, public_key = vkey
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("the checkpoint is not UTF-8")
    require(not re.search("[\x00-\x09\x0b-\x1f]", note), "the checkpoint has control characters")
    text, blank, signatures = note.rpartition("\n\n")
    require(blank and signatures.endswith("\n"), "the checkpoint is not a signed note")
    text += "\n"
    signed = False
    for line in signatures[:-1].split("\n"):
        match = re.fullmatch("— ([^ +]+) ([^ ]+)", line)
        require(match, "a signature line of the checkpoint is malformed")
        signature = decode(match[2], "a signature")
        require(len(signature) > 4, "a signature is too short")
        if match[1] == name and signature[:4] == key_id:  # those of other keys say nothing to us
            require(ed25519_holds(public_key, text.encode(), signature[4:]), "the signature of the log is wrong")
            signed = True
    require(signed, "the checkpoint is not signed by " + name)
    lines = text[:-1].split("\n")
    require(len(lines) == 3, "the checkpoint has not three lines")
    require(lines[0] == name, "the checkpoint is of another log")
    root = decode(lines[2], "the root")
    require(len(root) == 32, "the root is not 32 bytes")
    return decimal(lines[1], "the size"), root


# --- the tree ---


class Tree:
    """The right edge of a growing tree."""

    def __init__(self):
        self.size, self.edge = 0, []  # (leaves, hash), the largest first

    def append(self, leaf):
        self.size += 1
        self.edge.append((1, leaf))
        while len(self.edge) > 1 and self.edge[-2][0] == self.edge[-1][0]:
            (leaves, left), (_, right) = self.edge[-2:]
            self.edge[-2:] = [(leaves * 2, node_hash(left, right))]

    def root(self):
        if not self.edge:
            return sha256(b"")
        root = self.edge[-1][1]
        for _, left in reversed(self.edge[:-1]):
            root = node_hash(left, root)
        return root


def row_hash(row):
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


# --- tiles ---


def tile_path(level, index, width):
    path = "%03d" % (index % 1000)
    while index >= 1000:
        index //= 1000
        path = "x%03d/%s" % (index % 1000, path)
    return "tile/%s/%s%s" % (level, path, "" if width == 256 else ".p/%d" % width)


def read_tile(log, level, index, width):
    """Returns name and content. Where a partial tile is gone, the full one has replaced it."""
    for each in (width, 256):
        path = tile_path(level, index, each)
        if os.path.isfile(os.path.join(log, path)):
            with open(os.path.join(log, path), "rb") as file:
                return path, file.read(), each
    raise Refused(tile_path(level, index, width) + " is missing")


def read_records(log, index, width):
    path, data, found = read_tile(log, "entries", index, width)
    at, records = 0, []
    while len(records) < width:
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        require(at + 2 <= len(data) and end <= len(data), "%s: record %d is cut off" % (path, index * 256 + len(records)))
        records.append(data[at + 2 : end])
        at = end
    require(at == len(data) or found != width, path + ": bytes follow the last record")
    return path, records


def check_tile(log, level, index, row):
    """The tile has to be the row that was derived."""
    path, data, found = read_tile(log, level, index, len(row))
    require(len(data) == found * 32, path + " has not %d hashes" % found)
    for i, derived in enumerate(row):
        if data[i * 32 : i * 32 + 32] != derived:
            what = "record %d" % (index * 256 + i) if level == 0 else "what is below"
            raise Refused("%s, hash %d: the tile and %s do not match" % (path, i, what))


def derive(log, size, heads):
    """Returns the root over all records, every tile compared, and the first and the last of them; heads: the roots that
    earlier sizes have to have."""
    tree, rows, ends, forked = Tree(), [], [], []  # rows: for each level [index of its tile, hashes]

    def push(level, value):
        if len(rows) == level:
            rows.append([0, []])
        rows[level][1].append(value)
        if len(rows[level][1]) == 256:
            check_tile(log, level, *rows[level])
            push(level + 1, row_hash(rows[level][1]))
            rows[level] = [rows[level][0] + 1, []]

    for index in range((size + 255) // 256):
        path, records = read_records(log, index, min(256, size - index * 256))
        for i, record in enumerate(records):
            require(0 < len(record) <= MAX_RECORD, "%s: record %d has a wrong size" % (path, index * 256 + i))
            leaf = sha256(b"\x00" + record)
            ends[1 if ends else 0 :] = [record]
            tree.append(leaf)
            push(0, leaf)
            if tree.size in heads and heads[tree.size] != {tree.root()}:
                forked.append(tree.size)
    for level, (index, row) in enumerate(rows):
        if row:
            check_tile(log, level, index, row)
    # Last: a tile that does not match names the record.
    for head_size in forked:
        raise Refused("the log has not grown from its head of size %d" % head_size)
    return tree.root(), ends


# --- what is verified ---


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Refused(str(error))


def verify_log(log, vkey, kept):
    """Prints what holds, and returns size, root, and the first and the last record."""
    size, root = open_checkpoint(read(os.path.join(log, "checkpoint")), vkey)
    stored = read(os.path.join(log, "heads")) if os.path.exists(os.path.join(log, "heads")) else b""
    parts = stored.split(b"\n\n")  # text, signatures, text, signatures, ...
    require(parts.pop() == b"" and len(parts) % 2 == 0, "heads: the last head is cut off")
    earlier = [text + b"\n\n" + signatures + b"\n" for text, signatures in zip(parts[::2], parts[1::2])]
    heads = {}
    for head in earlier + kept:
        head_size, head_root = open_checkpoint(head, vkey)
        require(head_size <= size, "records are missing: a head of %d is signed, the log has %d" % (head_size, size))
        heads.setdefault(head_size, set()).add(head_root)
    require(heads.get(0, {sha256(b"")}) == {sha256(b"")}, "an empty head has a root")
    derived, ends = derive(log, size, heads)
    require(derived == root, "the records do not lead to the signed root")
    print("integrity: holds: %d records of %s, root %s" % (size, vkey[0], base64.b64encode(root).decode()))
    print("completeness: %d earlier heads hold; that no record since the newest of them is missing is not shown" % (len(earlier) + len(kept)))
    return size, root, ends


def read_keys(text):
    """Returns the keys by the names of their logs: of a file of vkeys, of a policy, or the one that the text is."""
    lines = read(text).decode("utf-8", "replace").split("\n") if os.path.isfile(text) else [text]
    words = [line.split() for line in lines]
    vkeys = [line[-1] for line in words if len(line) == 1 and line[0][0] != "#" or len(line) == 2 and line[0] == "log"]
    require(vkeys, "no key was given")
    return {key[0]: key for key in map(parse_vkey, vkeys)}


def origin_of(checkpoint):
    return checkpoint.split(b"\n", 1)[0].decode("utf-8", "replace")


def said(record):
    """Type and body of a record."""
    try:
        value = json.loads(record)
        return value["type"], dict(value["body"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None, {}


def verify_logs(folder, keys, kept):
    """Verifies all logs of a sidecar, and that each begins with the last head of one before it."""
    require(os.path.isdir(folder), "there is no folder " + folder)
    numbers = lambda path: sorted((n for n in os.listdir(path) if re.fullmatch("[1-9][0-9]{0,8}", n, re.ASCII)), key=int)
    paths = ["%s/%s" % (i, s) for i in numbers(folder) for s in numbers(os.path.join(folder, i))]
    paths = [path for path in paths if os.path.exists(os.path.join(folder, path, "checkpoint"))]
    require(paths, "there is no log in " + folder)
    lasts, following, absent = {}, {}, []
    for i, path in enumerate(paths):
        origin = origin_of(read(os.path.join(folder, path, "checkpoint")))
        require(origin.endswith("/" + path), path + ": the log of %s does not belong into this folder" % origin)
        require(origin in keys, path + ": no key was given for " + origin)
        own = [head for head in kept if origin_of(head) == origin]
        try:
            size, root, ends = verify_log(os.path.join(folder, path), keys[origin], own)
        except Refused as refused:
            raise Refused("%s: %s" % (path, refused))
        head = {"origin": origin, "size": size, "root": base64.b64encode(root).decode()}
        kind, body = said(ends[0]) if ends else (None, {})
        require(kind in ("log.genesis", "log.shard_opened") or not ends, path + ": it does not begin with its origin")
        previous = body.get("previous")
        if isinstance(previous, dict):
            carried = {name: previous.get(name) for name in head}
            if carried["origin"] in lasts:
                require(carried == lasts.pop(carried["origin"]), path + ": it does not carry the last head of the log before")
            else:
                require(i == 0, path + ": the log before it, %s, is not there, or two carry it on" % carried["origin"])
                absent.append("earlier logs, from %s on" % carried["origin"])
        elif ends:
            require(i == 0 and kind == "log.genesis", path + ": it carries no head of the log before")
        lasts[origin] = head
        kind, body = said(ends[-1]) if ends else (None, {})
        following[origin] = body.get("next") if kind == "log.shard_closed" else None
    absent += [after for after in following.values() if after and after not in following]
    require(all(origin_of(head) in following for head in kept), "records are missing: a head is of a log that is not there")
    print("links: hold: %d logs%s" % (len(paths), "; not there: " + ", ".join(absent) if absent else ""))


def verify_proof(proof, record, vkey):
    lines, blank, checkpoint = read(proof).partition(b"\n\n")
    require(blank, "the proof has no checkpoint")
    lines = lines.decode("latin-1").split("\n")
    require(lines.pop(0) == "c2sp.org/tlog-proof@v1", "the file is not a proof")
    if lines and lines[0].startswith("extra "):
        require(decode(lines.pop(0)[6:], "the extra data"), "the extra data is empty")
    require(lines and lines[0].startswith("index "), "the proof has no index")
    index = decimal(lines.pop(0)[6:], "the index")
    hashes = [decode(line, "a hash of the proof") for line in lines]
    require(all(len(each) == 32 for each in hashes) and len(hashes) <= 63, "a hash of the proof is not 32 bytes")
    size, root = open_checkpoint(checkpoint, parse_vkey(vkey))
    require(index < size, "the log has no such record")
    node, last, value = index, size - 1, sha256(b"\x00" + read(record))  # RFC 9162, section 2.1.3.2
    for sibling in hashes:
        require(last > 0, "the proof is too long")
        if node % 2 == 1 or node == last:
            value = node_hash(sibling, value)
            while node % 2 == 0 and node != 0:
                node, last = node // 2, last // 2
        else:
            value = node_hash(value, sibling)
        node, last = node // 2, last // 2
    require(last == 0 and value == root, "the record is not in the log at this index")
    print("proof: holds: this is record %d of the %d that the log has signed" % (index, size))


def main(arguments):
    try:
        if len(arguments) == 4 and arguments[0] == "--proof":
            verify_proof(*arguments[1:])
        elif len(arguments) >= 2 and not arguments[0].startswith("-"):
            log, keys, kept = arguments[0], read_keys(arguments[1]), [read(path) for path in arguments[2:]]
            if os.path.exists(os.path.join(log, "checkpoint")):
                origin = origin_of(read(os.path.join(log, "checkpoint")))
                key = next(iter(keys.values())) if len(keys) == 1 else keys.get(origin)
                require(key, "no key was given for " + origin)
                verify_log(log, key, kept)
            else:
                verify_logs(log, keys, kept)
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except Refused as refused:
        print("FAILS: %s" % refused)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
