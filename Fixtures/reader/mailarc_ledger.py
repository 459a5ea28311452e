"""LedgerFormat.md: the checkpoint, the tiles below it, the leaves, and what they commit to."""
import base64, hashlib, os, zlib
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from mailarc_reader import Cursor, before_line, keyed_lines, le, mac, need, read, sha256, xaes_open

def tile_name(number):
    text = f"{number % 1000:03}"
    while number >= 1000:
        number //= 1000
        text = f"x{number % 1000:03}/{text}"
    return text

def merkle_root(hashes):
    """RFC 6962 §2.1: complete subtrees of growing size, joined from the right."""
    if not hashes:
        return sha256(b"")
    level = list(hashes)
    while len(level) > 1:
        level = [sha256(b"\1" + level[i] + level[i + 1]) if i + 1 < len(level) else level[i]
                 for i in range(0, len(level), 2)]
    return level[0]

def widths(archive, path, width):
    """The files that hold the first `width` members, narrowest first."""
    partial = os.path.join(archive.folder, path + ".p")
    names = os.listdir(partial) if width < 256 and os.path.isdir(partial) else []
    found = sorted(int(name) for name in names if name.isdigit() and int(name) >= width)
    return [(f"{path}.p/{wide}", wide) for wide in found] + [(path, 256)]

def hash_tile(archive, level, number, width):
    path, wide = widths(archive, f"log/tile/{level}/{tile_name(number)}", width)[0]
    octets = read(archive.folder, path)
    need(len(octets) == 32 * wide, f"{path}: length")
    return [octets[at:at + 32] for at in range(0, 32 * width, 32)]

def leaf_texts(archive, number, width):
    path, wide = widths(archive, f"log/entries/{tile_name(number)}", width)[0]
    aad = b"mailarc/1/entries\0" + archive.id + le(number, 8) + le(wide, 4)
    content = xaes_open(archive.key("meta"), read(archive.folder, path), aad)
    octets = content[1:]
    if content[0] == 1:
        octets = zlib.decompress(content[5:], -15)
        need(len(octets) == int.from_bytes(content[1:5], "little"), f"{path}: inflated length")
    cursor = Cursor(octets)
    for _ in range(width):
        yield cursor.take(int.from_bytes(cursor.take(2), "big"))

def former_keys(archive):
    """`keys/log`: (key, last size, next key) of each key before the present one, in the order they signed."""
    if not os.path.exists(f"{archive.folder}/keys/log"):
        return []
    octets, former = read(archive.folder, "keys", "log"), []
    lines = octets.decode().split("\n")
    need(lines[0] == "mailarc-log-keys/1" and lines[1] == f"archive {archive.id.hex()}", "keys/log")
    need(mac(archive.key("slot"), before_line(octets, b"mac")) == base64.b64decode(lines[-2][4:]), "keys/log: mac")
    for line in lines[2:-2]:
        word, key, size, next_key, signature = line.split(" ")
        need(word == "former", "keys/log: line")
        text = f"mailarc/1/log-key\n{archive.fields['origin']}\n{size}\n{next_key}\n"
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key)).verify(base64.b64decode(signature), text.encode())
        former.append((base64.b64decode(key), int(size), base64.b64decode(next_key)))
    return former

def key_chain(archive):
    """(key, first size, last size) of all keys of the log."""
    current, former = base64.b64decode(archive.fields["log-key"]), former_keys(archive)
    chain, first = [], 0
    for number, (key, last, next_key) in enumerate(former):
        if key != current:
            need(next_key == (former[number + 1][0] if number + 1 < len(former) else current), "keys/log: chain")
            chain.append((key, first, last))
            first = last
    return chain + [(current, first, 1 << 64)]

def checkpoint(archive, *path):
    """Size and root of a note, its signature verified with the key that may sign trees of its size."""
    body, _, signatures = read(archive.folder, *path).decode().partition("\n\n")
    body += "\n"
    origin, size, root = body.split("\n")[:3]
    need(origin == archive.fields["origin"], "checkpoint: origin")
    need(body.count("\n") == 3, "checkpoint: three lines")
    size, own = int(size), []
    for line in signatures.removesuffix("\n").split("\n"):
        dash, name, signature = line.split(" ")
        signature = base64.b64decode(signature, validate=True)
        need(dash == "\u2014", "checkpoint: signature line")
        for key, first, last in key_chain(archive):
            if name == origin and signature[:4] == sha256(origin.encode() + b"\n\1" + key)[:4] and first <= size <= last:
                Ed25519PublicKey.from_public_bytes(key).verify(signature[4:], body.encode())
                own.append(key)
    need(own and len(own) == len(set(own)), f"{path[-1]}: not signed once by a log key of its time")
    return size, base64.b64decode(root)

def check_ledger(archive):
    """Signatures, tiles from the leaves up, every leaf's hash, every commitment."""
    size, root = checkpoint(archive, "log", "checkpoint")

    level, hashes, count = 0, [], size
    while count:
        stored = [h for n in range(-(-count // 256)) for h in hash_tile(archive, level, n, min(256, count - 256 * n))]
        need(level == 0 or stored == hashes, f"tile/{level} does not agree with the level below")
        leaves = stored if level == 0 else leaves
        hashes = [merkle_root(stored[at:at + 256]) for at in range(0, count // 256 * 256, 256)]
        level, count = level + 1, count // 256
    need(merkle_root(leaves if size else []) == root, "the tiles do not lead to the signed root")
    for name in os.listdir(f"{archive.folder}/log/checkpoints") if os.path.isdir(f"{archive.folder}/log/checkpoints") else []:
        if name.isdigit():
            need(checkpoint(archive, "log", "checkpoints", name) == (int(name), merkle_root(leaves[:int(name)])),
                 f"checkpoints/{name}: another root")

    commitments, index, log_keys = 0, 0, []
    for number in range(-(-size // 256)):
        for text in leaf_texts(archive, number, min(256, size - 256 * number)):
            need(sha256(b"\0" + text) == leaves[index], f"leaf {index}: hash")
            fields = keyed_lines(text, "mailarc-leaf/1")
            need(int(fields["seq"]) == index, f"leaf {index}: seq")
            commitments += check_commitment(archive, index, fields)
            if fields["type"] in ("init", "log-key"):
                log_keys.append(base64.b64decode(fields["log-key" if fields["type"] == "init" else "key"]))
            index += 1
    need(log_keys == [key for key, _, _ in key_chain(archive)], "the log's keys are not those the leaves name")
    need(index == size, "bundles hold another number of leaves")
    return size, commitments

def check_commitment(archive, index, fields):
    key_id = bytes.fromhex(fields.get("keyid", ""))
    if "commit" not in fields:
        return 0
    need(key_id in archive.deks, f"leaf {index}: its blob has no key")  # no leaf type of version 1 erases
    octets = archive.message(key_id) if fields["type"] == "ingest" else archive.blob(key_id)[1]
    commit = mac(archive.keys_of(key_id)[2], b"sha256 %s\n" % hashlib.sha256(octets).hexdigest().encode()).hex()
    need(fields["commit"] == "hmac-sha256:" + commit, f"leaf {index}: commitment")
    need(int(fields["size"]) == len(octets), f"leaf {index}: size")
    return 1
