#!/usr/bin/env python3
"""Reads a mailarc/1 archive with nothing but its documents: ArchiveFormat.md and LedgerFormat.md (section numbers below).

    mailarc_reader.py ARCHIVE [--passphrase-file F | --key-file F | --identity-file F] list | events | extract DIR [KEYID…] | check

Needs Python 3.9 and the packages `cryptography` and `zstandard`. Never writes to the archive.
"""
import argparse, base64, hashlib, hmac, os, struct, sys, zlib
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.exceptions import InvalidSignature, InvalidTag

MAGIC = b"MAILARC\x01"
CHUNK = 1 << 20
NAMES = {1: "message", 2: "part", 3: "text", 4: "dictionary", 5: "private", 6: "events"}

class Damaged(ValueError):
    pass

def need(condition, message):
    if not condition:
        raise Damaged(message)

# -- §0, §4: primitives ------------------------------------------------------------------------------------------

def sha256(octets): return hashlib.sha256(octets).digest()
def mac(key, octets): return hmac.new(key, octets, hashlib.sha256).digest()
def le(value, count): return value.to_bytes(count, "little")

def expand(prk, info, count):
    result, block, counter = b"", b"", 1
    while len(result) < count:
        block = mac(prk, block + info + bytes([counter]))
        result, counter = result + block, counter + 1
    return result[:count]

def hkdf(ikm, salt, info, count): return expand(mac(salt or bytes(32), ikm), info, count)

def xaes_key(key, nonce):
    """C2SP XAES-256-GCM: the AES-256-GCM key for the first 12 octets of the nonce."""
    block = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update
    zero = int.from_bytes(block(bytes(16)), "big")
    subkey = (zero << 1 & (1 << 128) - 1) ^ (0x87 if zero >> 127 else 0)
    halves = (bytes([0, i]) + b"X\0" + nonce[:12] for i in (1, 2))
    return b"".join(block((int.from_bytes(half, "big") ^ subkey).to_bytes(16, "big")) for half in halves)

def xaes_open(key, sealed, aad): return AESGCM(xaes_key(key, sealed[:24])).decrypt(sealed[12:24], sealed[24:], aad)
def xaes_seal(key, nonce, octets, aad): return nonce + AESGCM(xaes_key(key, nonce)).encrypt(nonce[12:], octets, aad)

def crc32c(octets, table=[]):
    if not table:
        for index in range(256):
            for _ in range(8):
                index = index >> 1 ^ (0x82F63B78 if index & 1 else 0)
            table.append(index)
    crc = 0xFFFFFFFF
    for octet in octets:
        crc = crc >> 8 ^ table[(crc ^ octet) & 255]
    return crc ^ 0xFFFFFFFF

class Cursor:
    def __init__(self, octets): self.octets, self.at = octets, 0
    def more(self): return self.at < len(self.octets)

    def take(self, count):
        need(self.at + count <= len(self.octets), "cut off")
        self.at += count
        return self.octets[self.at - count:self.at]

    def le(self, count): return int.from_bytes(self.take(count), "little")

    def varint(self):
        value = 0
        for shift in range(0, 70, 7):
            octet = self.take(1)[0]
            value |= (octet & 127) << shift
            if octet < 128:
                need(octet or not shift, "varint not in its shortest form")
                return value
        raise Damaged("varint too long")

    def string(self): return self.take(self.varint())

def keyed_lines(octets, first):
    """§3: lines `key value`; the octets before the last line, for its MAC."""
    lines = octets.decode().split("\n")
    need(lines[0] == first and lines[-1] == "", f"not a {first}")
    fields = {}
    for line in lines[1:-1]:
        key, space, value = line.partition(" ")
        need(key and space and key not in fields, f"{first}: line {line[:40]!r}")
        fields[key] = value
    return fields

def before_line(octets, key): return octets[:octets.rindex(b"\n" + key + b" ") + 1]

def header(octets, kind, archive):
    """§6.1"""
    need(octets[:8] == MAGIC and octets[8:10] == bytes([kind, 1]), "another kind of file")
    length = int.from_bytes(octets[10:12], "little")
    need(length == (128 if kind == 0x50 else 64), "header length")
    need(octets[16:32] == archive, "of another archive")
    need(int.from_bytes(octets[length - 4:length], "little") == crc32c(octets[:length - 4]), "header CRC")
    return octets[:length]

# -- §5: the key slots -------------------------------------------------------------------------------------------

def bech32(text):
    """BIP 173, without its length limit: the prefix and the octets."""
    prefix, _, data = text.lower().rpartition("1")
    values = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(character) for character in data]
    check = 1
    for value in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    need(check == 1, "bech32 checksum")
    bits = "".join(f"{value:05b}" for value in values[:-6])
    return prefix, bytes(int(bits[at:at + 8], 2) for at in range(0, len(bits) // 8 * 8, 8))

def identities(octets):
    """The private keys of an age identity file."""
    keys = [bech32(line) for line in octets.decode().splitlines() if line and not line.startswith("#")]
    return [X25519PrivateKey.from_private_bytes(key) for prefix, key in keys if prefix == "age-secret-key-"]

def x25519_kek(fields, recipient, keys):
    eph = base64.b64decode(fields["eph"])
    for key in keys:
        if key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) == recipient:
            shared = key.exchange(X25519PublicKey.from_public_bytes(eph))  # refuses all zero
            return hkdf(shared, eph + recipient, b"mailarc/1/slot/x25519", 32)
    return None

def slot_kek(fields, passphrase, key_file, keys=()):
    kind, *rest = fields["type"].split(" ")
    if kind == "x25519":
        return x25519_kek(fields, base64.b64decode(rest[0]), keys)
    salt = base64.b64decode(fields["salt"])
    if kind == "plain":
        return hkdf(b"", salt, b"mailarc/1/slot/plain", 32)
    if kind == "keyfile" and key_file is not None:
        return hkdf(key_file, salt, b"mailarc/1/slot/keyfile", 32)
    if kind == "scrypt" and passphrase is not None:
        log_n, r, p = map(int, rest)
        need(log_n <= 20 and r <= 16 and p <= 4, "scrypt cost")
        return hashlib.scrypt(passphrase, salt=salt, n=1 << log_n, r=r, p=p, dklen=32, maxmem=(1 << 31) - 1)
    return None

def unlock(folder, archive, passphrase, key_file, keys=()):
    for name in sorted(os.listdir(f"{folder}/keys")):
        if not name.endswith(".slot"):
            continue
        octets = read(folder, "keys", name)
        need(hashlib.sha256(octets).hexdigest() + ".slot" == name, f"{name}: not its own hash")
        fields = keyed_lines(octets, octets.decode().split("\n")[0])
        if not octets.startswith(b"mailarc-slot/1\n"):
            continue  # of a later version
        kek = slot_kek(fields, passphrase, key_file, keys)
        if kek is None or expand(kek, b"mailarc/1/slot/check", 16) != base64.b64decode(fields["check"]):
            continue
        ark = xaes_open(kek, base64.b64decode(fields["wrapped"]), before_line(octets, b"wrapped"))
        check_mac(octets, fields, hkdf(ark, archive, b"mailarc/1/slot", 32), name)
        return ark
    raise Damaged("no slot opens with what was given")

def check_mac(octets, fields, key, name):
    need(mac(key, before_line(octets, b"mac")) == base64.b64decode(fields["mac"]), f"{name}: mac")

def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()

# -- §6: the vault -----------------------------------------------------------------------------------------------

class Archive:
    def __init__(self, folder, passphrase=None, key_file=None, keys=()):
        self.folder = folder
        text = read(folder, "MAILARC")
        self.fields = keyed_lines(text, "mailarc-archive/1")
        need(int(self.fields["required"], 16) == 0, "needs a feature this reader does not know")
        self.id = bytes.fromhex(self.fields["archive"])
        self.ark = unlock(folder, self.id, passphrase, key_file, keys)
        check_mac(text, self.fields, self.key("slot"), "MAILARC")
        self.deks, self.slots, self.secrets, self.dictionaries, self.blobs = {}, {}, {}, {}, {}
        self.read_vault()
        for name in os.listdir(f"{folder}/dict") if os.path.isdir(f"{folder}/dict") else []:
            octets = read(folder, "dict", name)
            need(hashlib.sha256(octets).hexdigest() == name, f"dict/{name}: not its own hash")
            number = int.from_bytes(octets[32:36], "little")
            self.dictionaries[number] = self.sealed_body(octets, 0x44, self.secrets["dict"])
        self.read_packs()
        self.read_journal()

    def key(self, label): return hkdf(self.ark, self.id, b"mailarc/1/" + label.encode(), 32)

    def sealed_body(self, octets, kind, key):
        head = header(octets, kind, self.id)
        return xaes_open(key, octets[64:], b"mailarc/1/file\0" + head)

    def read_vault(self):
        current = keyed_lines(read(self.folder, "vault", "CURRENT"), "mailarc-vault/1")
        erasure = keyed_lines(read(self.folder, "keys", "erasure"), "mailarc-erasure/1")
        epoch = int(current["epoch"])
        need(erasure["archive"] == self.id.hex() and int(erasure["epoch"]) == epoch, "the erasure secret is another one")
        octets = read(self.folder, "vault", f"root.{epoch}.{current['rev']}")
        need(hashlib.sha256(octets).hexdigest() == current["root"], "vault root: not the hash in CURRENT")
        root_key = hkdf(self.key("vault") + base64.b64decode(erasure["secret"]), self.id,
                        b"mailarc/1/vault-root" + epoch.to_bytes(4, "big"), 32)
        body = Cursor(self.sealed_body(octets, 0x52, root_key))
        version, _, in_epoch, rev, shards, secrets = struct.unpack("<HHIIII", body.take(20))
        need(version == 1 and in_epoch == epoch and rev == int(current["rev"]), "vault root: version")
        body.take(12)
        for _ in range(shards):
            number, generation, key, count, state, digest = struct.unpack("<II32sIB3x32s16x", body.take(96))
            self.read_shard(number, generation, key, count if state else None, digest)
        for _ in range(secrets):
            name = body.take(body.le(1)).decode()
            self.secrets[name] = body.take(body.le(1))

    def read_shard(self, number, generation, key, count, digest):
        self.next_slot = 0
        if count is not None:
            octets = read(self.folder, "vault", f"shard.{number}.{generation}")
            need(sha256(octets) == digest, f"shard {number}: hash")
            records = self.sealed_body(octets, 0x53, key)
            need(len(records) == 64 * count, f"shard {number}: count")
            return self.add_records(number, records)
        octets = read(self.folder, "vault", f"open.{number}.{generation}")
        head, at, frame = header(octets, 0x4F, self.id), 64, 0
        while at + 4 <= len(octets):
            end = at + 4 + 24 + 64 * int.from_bytes(octets[at:at + 4], "little") + 16
            try:
                records = xaes_open(key, octets[at + 4:end], b"mailarc/1/vault-open\0" + head + le(frame, 8))
            except InvalidTag:
                break  # the trace of a crash
            self.add_records(number, records)
            at, frame = end, frame + 1

    def add_records(self, number, records):
        for at in range(0, len(records), 64):
            key_id, dek, kind, flags, zero = struct.unpack_from("<16s32sBBH", records, at)
            need(flags <= 1 and zero == 0 and key_id not in self.deks, f"{key_id.hex()}: vault record")
            self.slots[number, self.next_slot] = key_id
            self.next_slot += 1
            if not flags:
                self.deks[key_id] = dek
            else:
                need(not any(records[at + 16:at + 49] + records[at + 50:at + 64]), f"{key_id.hex()}: erased")

    def keys_of(self, key_id):
        need(key_id in self.deks, f"{key_id.hex()}: no key (erased?)")
        keys = expand(self.deks[key_id], b"mailarc/1/dek" + key_id, 128)
        return keys[:32], keys[64:96], keys[96:]  # K_blob, K_sid, salt

    # -- §7, §10: where the blobs are ----------------------------------------------------------------------------

    def read_packs(self):
        base = f"{self.folder}/packs"
        for prefix in sorted(os.listdir(base)) if os.path.isdir(base) else []:
            names = set(os.listdir(f"{base}/{prefix}"))
            for name in sorted(names):
                if name.endswith(".gone"):
                    self.read_gone(f"packs/{prefix}/{name}", name[:-5])
                elif not name.endswith(".tmp") and f"{name}.gone" not in names:
                    self.read_footer(f"packs/{prefix}/{name}", name)

    def writer_key(self, writer):
        text = read(self.folder, "writers", writer + ".pub")
        fields = keyed_lines(text, "mailarc-writer/1")
        check_mac(text, fields, self.key("slot"), "writer")
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(fields["key"]))

    def read_gone(self, path, name):
        """§7.5: the pack was replaced; the record must be its signer's, the successors must be there."""
        octets = read(self.folder, path)
        fields = keyed_lines(octets, "mailarc-gone/1")
        need(fields["archive"] == self.id.hex() and fields["object"] == name, f"{path}: of another pack")
        self.writer_key(fields["signer"]).verify(
            base64.b64decode(fields["signature"]), b"mailarc/1/gone\n" + sha256(before_line(octets, b"signature")))
        for successor in fields["by"].split():
            place = f"{self.folder}/packs/{successor[:2]}/{successor}"
            need(os.path.exists(place) or os.path.exists(place + ".gone"), f"{path}: {successor} is missing")

    def read_footer(self, path, name):
        octets = read(self.folder, path)
        need(hashlib.sha256(octets).hexdigest() == name, f"{path}: not its own hash")
        head, trailer = header(octets, 0x50, self.id), octets[-160:]
        need(trailer[156:] == b"KPAM" and crc32c(trailer[:152]) == int.from_bytes(trailer[152:156], "little"), path)
        offset, length = struct.unpack_from("<QI", trailer)
        self.writer_key(head[48:56].hex()).verify(
            trailer[80:144], b"mailarc/1/pack\n" + sha256(octets[:-80]))
        foot_key = hkdf(self.key("writer/" + head[48:56].hex()), head[32:48], b"mailarc/1/footer", 32)
        entries = xaes_open(foot_key, trailer[16:40] + octets[offset:offset + length], b"mailarc/1/footer\0" + head)
        for at in range(0, len(entries) - 95, 96):
            self.add_blob(path, entries[at:at + 96])

    def add_blob(self, path, entry):
        key_id, offset, stored, raw, kind, log, dictionary, crc, sealed = struct.unpack_from("<16sQQQBBHI32s", entry)
        if kind:
            need(log == 20, "chunk size")
            self.blobs[key_id] = (path, offset, stored, raw, kind, dictionary, crc, sealed)

    def read_journal(self):
        if not os.path.exists(f"{self.folder}/open/journal"):
            return
        octets = read(self.folder, "open", "journal")
        head, at, frame = header(octets, 0x4A, self.id), 64, 0
        while at + 4 <= len(octets):
            end = at + 4 + int.from_bytes(octets[at:at + 4], "little")
            try:
                payload = xaes_open(self.key("meta"), octets[at + 4:end], b"mailarc/1/journal\0" + head + le(frame, 8))
            except (InvalidTag, ValueError):
                break  # a torn frame never happened
            cursor = Cursor(payload)
            while cursor.more():
                kind, body = cursor.take(1)[0], cursor.string()
                need(kind < 0x80, "journal record type")
                if kind == 2:
                    slot = struct.unpack("<II", body[112:120])
                    need(self.slots.get(slot) == body[16:32], f"{body[16:32].hex()}: its vault slot has another key")
                if kind == 2 and body[16:32] not in self.blobs:  # a footer's entry is the better one
                    self.add_blob(f"open/{body[:16].hex()}.pk", body[16:112])
            at, frame = end, frame + 1

    # -- §7.2, §8: contents --------------------------------------------------------------------------------------

    def blob(self, key_id):
        need(key_id in self.blobs, f"{key_id.hex()}: in no pack")
        path, offset, stored, raw, kind, dictionary, crc, sealed_id = self.blobs[key_id]
        with open(f"{self.folder}/{path}", "rb") as file:
            file.seek(offset)
            octets = file.read(stored)
        need(len(octets) == stored and crc32c(octets) == crc, f"{key_id.hex()}: CRC")
        key = self.keys_of(key_id)[0]
        count = max(1, -(-raw // CHUNK))
        lengths = [stored]
        if count > 1:
            table = self.chunk(key, key_id, kind | 0x80, dictionary, octets[-4 * count - 16:], count, True, 4 * count)
            lengths = struct.unpack(f"<{count}I", table)
        result, at = [], 0
        for index, length in enumerate(lengths):
            size = min(CHUNK, raw - index * CHUNK)
            sealed = octets[at:at + length]
            packed = self.chunk(key, key_id, kind, dictionary, sealed, index, count == 1, size)
            result.append(self.inflate(packed, dictionary, size))
            at += length
        return kind, b"".join(result)

    def chunk(self, key, key_id, kind, dictionary, sealed, index, final, raw):
        aad = b"mailarc/1/blob\0" + self.id + key_id + bytes([kind]) + le(dictionary, 2) + le(raw, 4)
        return AESGCM(key).decrypt(bytes(7) + index.to_bytes(4, "big") + bytes([final]), sealed, aad)

    def inflate(self, packed, dictionary, size):
        method, payload, preset = packed[0], packed[1:], self.dictionaries[dictionary] if dictionary else None
        if method == 1:
            stream = zlib.decompressobj(-15, zdict=preset) if preset else zlib.decompressobj(-15)
            payload = stream.decompress(payload, size + 1)
        elif method == 2:
            import zstandard
            preset = preset and zstandard.ZstdCompressionDict(preset, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
            stream = zstandard.ZstdDecompressor(dict_data=preset or None, format=zstandard.FORMAT_ZSTD1_MAGICLESS)
            payload = stream.decompressobj().decompress(payload)
        need(method <= 2 and len(payload) == size, "chunk: method or length")
        return payload

    def message(self, key_id):
        """§8.1: the octets of a message, their SHA-256 verified."""
        kind, recipe = self.blob(key_id)
        need(kind == 1 and recipe[:2] == b"\1\1", f"{key_id.hex()}: not a recipe of suite 1")
        cursor = Cursor(recipe[2:])
        digest, size = cursor.take(32), cursor.varint()
        parts = [(cursor.take(16), cursor.varint()) for _ in range(cursor.varint())]
        result = []
        while cursor.more():
            op = cursor.take(1)[0]
            if op == 1:
                result.append(cursor.string())
                continue
            need(op in (2, 3, 4), f"operation {op}")
            part_id, length = parts[cursor.varint()]
            part = self.blob(part_id)[1]
            need(len(part) == length, "part length")
            result.append({2: lambda: part, 3: lambda: base64_lines(part, cursor), 4: lambda: qp(part, cursor)}[op]())
        octets = b"".join(result)
        need(len(octets) == size and sha256(octets) == digest, f"{key_id.hex()}: not the message that was taken")
        K_sid = self.keys_of(key_id)[1]
        content = mac(self.key("id"), b"\1" + digest)
        need(bytes(a ^ b for a, b in zip(content, K_sid)) == self.blobs[key_id][7], f"{key_id.hex()}: content id")
        return octets

    def messages(self): return [key_id for key_id, blob in self.blobs.items() if blob[4] == 1]

EOL = {1: b"\n", 2: b"\r\n"}

def base64_lines(part, cursor):
    length, eol, tail = cursor.varint(), EOL[cursor.take(1)[0]], cursor.take(1)[0]
    text = base64.b64encode(part)
    lines = [text[at:at + length] for at in range(0, len(text), length)] if length else [text]
    return eol.join(lines) + (eol if tail else b"")

def qp(part, cursor):
    """§8.2"""
    width, eol, bits = cursor.take(1)[0], EOL[cursor.take(1)[0]], cursor.take(32)
    out, lines = bytearray(), part.split(eol)
    for number, line in enumerate(lines):
        column = 0
        for index, octet in enumerate(line):
            last = index == len(line) - 1
            clear = bits[octet // 8] >> octet % 8 & 1 and not (last and octet in b" \t")
            token = bytes([octet]) if clear else b"=%02X" % octet
            if not (column + len(token) <= width - 1 or last and column + len(token) <= width):
                out += b"=" + eol
                column = 0
            out += token
            column += len(token)
        if number < len(lines) - 1:
            out += eol
    result, at = bytearray(), 0
    for _ in range(cursor.varint()):
        copied, deleted, inserted = cursor.varint(), cursor.varint(), cursor.string()
        result += out[at:at + copied] + inserted
        at += copied + deleted
    return bytes(result + out[at:])

def events(octets):
    """§8.3: one line an event."""
    cursor = Cursor(octets)
    need(cursor.take(2) == b"\1\0", "event record version")
    yield f"record {cursor.le(8)} time {cursor.le(8)} writer {cursor.take(8).hex()}"
    accounts = [cursor.string().decode() for _ in range(cursor.varint())]
    boxes = []
    for _ in range(cursor.varint()):
        account, raw, delimiter, name = accounts[cursor.varint()], cursor.string(), cursor.take(1), cursor.string()
        boxes.append(f"{account}/{name.decode()}")
    for _ in range(cursor.varint()):
        kind, body = cursor.take(1)[0], Cursor(cursor.string())
        need(kind < 0x80, "event type")
        box = lambda: boxes[body.varint()]
        at = lambda: f"{box()} {body.le(4)}:{body.le(4)}"
        flags = lambda: " ".join(body.string().decode(errors="replace") for _ in range(body.varint()))
        if kind == 1:
            yield (f"placed {body.take(16).hex()} {at()} modseq {body.le(8)} ({flags()}) {date(body)}"
                   f" channel {body.le(1)} fidelity {body.le(1)}")
        elif kind == 2:
            yield f"flags {at()} modseq {body.le(8)} ({flags()})"
        elif kind == 3:
            yield f"gone {at()}" + (f" to {at()}" if body.le(1) else "")
        elif kind == 4:
            yield f"created {box()} role {body.string().decode()} uidvalidity {body.le(4)}"
        elif kind == 5:
            yield f"renamed {box()} to {box()}"
        elif kind == 6:
            yield f"deleted {box()}"
        elif kind == 7:
            yield f"uidvalidity {box()} {body.le(4)} to {body.le(4)}, {body.varint()} pairs"
        elif kind == 8:
            yield f"quarantined {at()} {body.string().decode()} {body.string().decode(errors='replace')}"
        elif kind == 9:
            yield f"uids {box()} {body.le(4)} next {body.le(4)}"
        elif kind == 10:
            text = lambda: repr(body.string().decode())
            yield (f"delivered {at()} time {body.le(8)} direction {body.le(1)} sender {text()}"
                   f" recipients [{', '.join(text() for _ in range(body.varint()))}]"
                   f" client {text()} hello {text()} transport {text()} tls {text()}")

def date(body):
    if not body.le(1):
        return "no date"
    seconds, zone = struct.unpack("<qh", body.take(10))
    return f"date {seconds} zone {zone}" + (f" raw {raw!r}" if (raw := body.string()) else "")

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive")
    parser.add_argument("--passphrase-file")
    parser.add_argument("--key-file")
    parser.add_argument("--identity-file")
    parser.add_argument("command", choices=["list", "events", "extract", "check"])
    parser.add_argument("arguments", nargs="*")
    options = parser.parse_args()
    passphrase = options.passphrase_file and read(options.passphrase_file)
    if passphrase and passphrase.endswith(b"\n"):  # §5: one LF or CRLF
        passphrase = passphrase[:-2] if passphrase.endswith(b"\r\n") else passphrase[:-1]
    keys = identities(read(options.identity_file)) if options.identity_file else ()
    archive = Archive(options.archive, passphrase, options.key_file and read(options.key_file), keys)
    if options.command == "list":
        for key_id, (path, offset, stored, raw, kind, *_) in archive.blobs.items():
            print(key_id.hex(), NAMES.get(kind, kind), raw, path, offset, stored)
    elif options.command == "events":
        records = [archive.blob(key_id)[1] for key_id, blob in archive.blobs.items() if blob[4] == 6]
        for record in sorted(records, key=lambda octets: octets[2:10][::-1]):
            print("\n".join(events(record)))
    elif options.command == "extract":
        folder, *wanted = options.arguments
        os.makedirs(folder, exist_ok=True)
        for key_id in map(bytes.fromhex, wanted) if wanted else archive.messages():
            octets = archive.message(key_id)
            with open(f"{folder}/{key_id.hex()}.eml", "wb") as file:
                file.write(octets)
            print(hashlib.sha256(octets).hexdigest(), f"{key_id.hex()}.eml", sep="  ")
    else:
        from mailarc_ledger import check_ledger
        print("%d leaves, %d commitments: sound" % check_ledger(archive))

if __name__ == "__main__":
    try:
        main()
    except (InvalidTag, InvalidSignature, OSError, KeyError, ValueError, struct.error) as error:
        sys.exit(f"mailarc_reader: {type(error).__name__}: {error}")
