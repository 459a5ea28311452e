#!/usr/bin/env python3
"""Prints test vectors for every construction of mailarc/1, written from the documents alone, with fixed inputs.

    mailarc_vectors.py            Markdown: Documentation/FormatVectors.md
    mailarc_vectors.py DIR        also writes the archive they are of to DIR (plain key), for mailarc_reader.py

Fixed "random" octets are SHA-256 of a label, cut to size. Nothing here is a secret.
"""
import base64, hashlib, os, struct, sys, zlib
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mailarc_ledger import merkle_root
from mailarc_reader import MAGIC, crc32c, expand, hkdf, le, mac, sha256, xaes_seal

FILES = {}
TIME, STAMP = 1795401077, "2026-11-23T02:31:17Z"


def fixed(label, count): return sha256(b"vector " + label.encode())[:count]
def b64(octets): return base64.b64encode(octets).decode()


def show(name, octets, note=""):
    if isinstance(octets, bytes) and len(octets) > 400:
        octets, note = sha256(octets), f"SHA-256 of the {len(octets)} octets{'; ' if note else ''}{note}"
    print(f"| {name} | `{octets.hex() if isinstance(octets, bytes) else octets}` | {note} |")


def section(title): print(f"\n## {title}\n\n| value | octets (hex) | |\n|---|---|---|")


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def string(octets): return varint(len(octets)) + octets
def public(seed): return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
def sign(seed, octets): return Ed25519PrivateKey.from_private_bytes(seed).sign(octets)


ARCHIVE, ARK, WRITER, PACK = bytes(range(16)), bytes(range(32, 64)), bytes.fromhex("7f3a91c0d2e4b586"), fixed("pack", 16)
LOG_SEED, WRITER_SEED, SECRET = fixed("log", 32), fixed("writer", 32), fixed("erasure", 32)
ORIGIN = "mailarc/" + ARCHIVE.hex()


def key(label): return hkdf(ARK, ARCHIVE, b"mailarc/1/" + label, 32)


def header(kind, a=0, b=0, session=bytes(16)):
    head = MAGIC + bytes([kind, 1]) + le(64, 2) + le(0, 4) + ARCHIVE + le(a, 4) + le(b, 4) + session + bytes(4)
    return head + le(crc32c(head), 4)


def sealed_file(name, kind, secret, body, a=0, b=0):
    head = header(kind, a, b)
    return head + xaes_seal(secret, fixed(name, 24), body, b"mailarc/1/file\0" + head)


def with_mac(text): return text.encode() + f"mac {b64(mac(key(b'slot'), text.encode()))}\n".encode()


class Blob:
    """One sealed blob (§7.2) with method 0, 1 or (several chunks) both."""

    def __init__(self, label, kind, raw, identity=None, method=1):
        self.kind, self.raw, self.id, self.dek = kind, raw, fixed(label + " key id", 16), fixed(label + " dek", 32)
        keys = expand(self.dek, b"mailarc/1/dek" + self.id, 128)
        self.blob_key, self.sid_key, self.salt, self.keys = keys[:32], keys[64:96], keys[96:], keys
        self.content_id = mac(key(b"id"), bytes([kind]) + sha256(raw if identity is None else identity))
        self.sealed_id = bytes(a ^ b for a, b in zip(self.content_id, self.sid_key))
        chunks = [raw[at:at + (1 << 20)] for at in range(0, len(raw), 1 << 20)] or [b""]
        sealed = [self.seal(i, len(chunks) == 1, kind, self.pack(c, method), len(c)) for i, c in enumerate(chunks)]
        if len(chunks) > 1:
            table = b"".join(le(len(chunk), 4) for chunk in sealed)
            sealed.append(self.seal(len(chunks), True, kind | 0x80, table, len(table)))
        self.stored = b"".join(sealed)

    def pack(self, chunk, method):
        stream = zlib.compressobj(6, zlib.DEFLATED, -15)
        return b"\1" + stream.compress(chunk) + stream.flush() if method else b"\0" + chunk

    def seal(self, index, final, kind, octets, raw):
        self.nonce = bytes(7) + index.to_bytes(4, "big") + bytes([final])
        self.aad = b"mailarc/1/blob\0" + ARCHIVE + self.id + bytes([kind]) + le(0, 2) + le(raw, 4)
        return AESGCM(self.blob_key).encrypt(self.nonce, octets, self.aad)

    def entry(self, offset, leaf):
        return (self.id + le(offset, 8) + le(len(self.stored), 8) + le(len(self.raw), 8) + bytes([self.kind, 20])
                + le(0, 2) + le(crc32c(self.stored), 4) + self.sealed_id + le(leaf, 8) + bytes(8))

    def record(self, leaf):
        return self.id + self.dek + bytes([self.kind, 0]) + le(0, 2) + le(TIME // 86400, 4) + le(leaf, 8)

    def commit(self, octets): return mac(self.salt, b"sha256 %s\n" % hashlib.sha256(octets).hexdigest().encode())


def keys_and_texts():
    section("Keys (§4)")
    show("archive id", ARCHIVE); show("ARK", ARK); show("S_e, epoch 1", SECRET); show("writer id", WRITER); show("pack id", PACK)
    for label in (b"meta", b"id", b"slot", b"vault", b"writer/" + WRITER.hex().encode()):
        show(f'K("{label.decode()}")', key(label))
    show("K_foot", hkdf(key(b"writer/" + WRITER.hex().encode()), PACK, b"mailarc/1/footer", 32))
    show("RK_1", ROOT_KEY)
    section("Text files (§3) and slots (§5)")
    FILES["MAILARC"] = with_mac(
        f"mailarc-archive/1\narchive {ARCHIVE.hex()}\norigin {ORIGIN}\ncreated {STAMP}\nsuite 1\nrequired {'0' * 16}\n"
        f"optional {'0' * 16}\nlog-key {b64(public(LOG_SEED))}\nwriter {WRITER.hex()}\n")
    FILES[f"writers/{WRITER.hex()}.pub"] = with_mac(
        f"mailarc-writer/1\narchive {ARCHIVE.hex()}\nwriter {WRITER.hex()}\nkey {b64(public(WRITER_SEED))}\n")
    show("`MAILARC`", FILES["MAILARC"])
    salt = fixed("salt", 32)
    identity, eph = (X25519PrivateKey.from_private_bytes(fixed(name, 32)) for name in ("identity", "slot eph"))
    recipient, eph_key = (
        key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for key in (identity, eph))
    x25519 = hkdf(eph.exchange(identity.public_key()), eph_key + recipient, b"mailarc/1/slot/x25519", 32)
    passphrase, key_file = b"correct horse", b"0123456789abcdef" * 4 + b"\n"
    for kind, kek in [
        ("scrypt 10 8 1", hashlib.scrypt(passphrase, salt=salt, n=1 << 10, r=8, p=1, dklen=32)),
        ("keyfile", hkdf(key_file, salt, b"mailarc/1/slot/keyfile", 32)),
        ("plain", hkdf(b"", salt, b"mailarc/1/slot/plain", 32)),
        ("x25519 " + b64(recipient), x25519),
    ]:
        head = (f"mailarc-slot/1\narchive {ARCHIVE.hex()}\ntype {kind}\nsalt {b64(salt)}\n"
                + (f"eph {b64(eph_key)}\n" if kind.startswith("x25519") else "") + f"label safe%20copy\n"
                f"created {STAMP}\ncheck {b64(expand(kek, b'mailarc/1/slot/check', 16))}\n")
        slot = with_mac(head + f"wrapped {b64(xaes_seal(kek, fixed('slot nonce', 24), ARK, head.encode()))}\n")
        show(f"KEK, {kind}", kek)
        show(f"check, {kind}", expand(kek, b"mailarc/1/slot/check", 16))
        show(f"slot file, {kind}", sha256(slot), f"SHA-256 of the {len(slot)} octets: its name")
        if kind == "plain":
            FILES[f"keys/{sha256(slot).hex()}.slot"] = slot


ROOT_KEY = hkdf(key(b"vault") + SECRET, ARCHIVE, b"mailarc/1/vault-root" + (1).to_bytes(4, "big"), 32)


def blobs():
    message = b"From: a@example.org\r\nSubject: vectors\r\n\r\nHello, =C3=BC\r\n"
    part = bytes(i * i >> 3 & 255 for i in range(3000))
    encoded = b"\r\n".join(base64.b64encode(part)[at:at + 76] for at in range(0, 4000, 76)) + b"\r\n"
    part_blob = Blob("part", 2, part, method=0)
    full = message + encoded
    recipe = (b"\1\1" + sha256(full) + varint(len(full)) + varint(1) + part_blob.id + varint(len(part))
              + b"\1" + string(message) + b"\3" + varint(0) + varint(76) + b"\2\1")
    recipe_blob = Blob("recipe", 1, recipe, full)
    box = varint(0) + string(b"INBOX") + b"/" + string(b"INBOX")
    placed = (recipe_blob.id + varint(0) + le(7, 4) + le(42, 4) + le(99, 8) + varint(1) + string(b"\\Seen")
              + b"\1" + le(TIME, 8) + le(60, 2) + string(b"") + b"\1\0" + varint(0))
    record = (b"\1\0" + le(1, 8) + le(TIME, 8) + WRITER + varint(1) + string(b"work") + varint(1) + box
              + varint(1) + b"\1" + string(placed))
    event_blob = Blob("events", 6, record)
    large = Blob("large", 2, bytes(range(256)) * 4097, method=1)
    section("A blob (§4, §7.2): the part of the message below, stored")
    show("DEK", part_blob.dek); show("key id", part_blob.id)
    show("K_blob ‖ K_text ‖ K_sid ‖ salt", part_blob.keys)
    show("content id", part_blob.content_id); show("sealed content id", part_blob.sealed_id)
    show("nonce, one chunk", part_blob.nonce); show("AAD", part_blob.aad); show("stored", part_blob.stored)
    section("A blob of two chunks: 1,048,832 octets 00…FF 00…FF …, raw deflate (zlib level 6)")
    show("chunk table nonce", large.nonce); show("chunk table AAD", large.aad); show("stored", large.stored)
    section("Recipe and event record (§8)")
    show("message", full); show("recipe", recipe); show("recipe's content id", recipe_blob.content_id, "of the message")
    show("event record", record); show("its stored octets", event_blob.stored, "one chunk, raw deflate (zlib level 6)")
    return full, record, part_blob, recipe_blob, event_blob, large, second_message(large)


def second_message(large):
    """QP with a soft break, an escaped last space and a patch; then the large part as it is."""
    decoded = "Grüße, a=b\nlast space \n".encode() + b"x" * 100 + b"\n"
    clear = bytes(sum(1 << b for b in range(8) if (i := 8 * o + b) in (9, 32) or 33 <= i <= 126 and i != 61)
                  for o in range(32))
    encoded = b"Gr=C3=BC=C3=9Fe, a=3db\nlast space=20\n" + b"x" * 75 + b"=\n" + b"x" * 25 + b"\n"
    qp = Blob("qp", 2, decoded)
    head = b"Subject: two parts\n\n"
    full = head + encoded + large.raw
    recipe = (b"\1\1" + sha256(full) + varint(len(full)) + varint(2) + qp.id + varint(len(decoded)) + large.id
              + varint(len(large.raw)) + b"\1" + string(head) + b"\4" + varint(0) + bytes([76, 1]) + clear
              + varint(1) + varint(20) + varint(1) + string(b"d") + b"\2" + varint(1))
    blob = Blob("recipe 2", 1, recipe, full)
    show("quoted-printable, decoded", decoded); show("encoded, with one patch (D to d)", encoded)
    show("recipe of two parts", recipe)
    return full, blob, qp


def leaf(seq, kind, rest): return f"mailarc-leaf/1\nseq {seq}\ntype {kind}\ntime {STAMP}\nwriter {WRITER.hex()}\n{rest}".encode()


def vault(records):
    section("The vault (§6)")
    shard_key = fixed("shard 0", 32)
    head = header(0x4F, 0, 1)
    frame = xaes_seal(shard_key, fixed("frame", 24), records, b"mailarc/1/vault-open\0" + head + le(0, 8))
    FILES["vault/open.0.1"] = head + le(len(records) // 64, 4) + frame
    secrets = {"catalog": fixed("catalog", 32), "state": fixed("state", 32), "dict": fixed("dict", 32),
               "log-key": LOG_SEED, "writer-key": WRITER_SEED}
    body = le(1, 2) + le(0, 2) + le(1, 4) + le(1, 4) + le(1, 4) + le(len(secrets), 4) + bytes(12)
    body += struct.pack("<II32sIB3x32s16x", 0, 1, shard_key, 0, 0, bytes(32))
    for name, value in secrets.items():
        body += bytes([len(name)]) + name.encode() + bytes([len(value)]) + value
    FILES["vault/root.1.1"] = sealed_file("root", 0x52, ROOT_KEY, body, 1, 1)
    shard = sealed_file("shard", 0x53, shard_key, records, 0, 1)
    FILES["vault/CURRENT"] = f"mailarc-vault/1\nepoch 1\nrev 1\nroot {sha256(FILES['vault/root.1.1']).hex()}\n".encode()
    FILES["keys/erasure"] = f"mailarc-erasure/1\narchive {ARCHIVE.hex()}\nepoch 1\nsecret {b64(SECRET)}\n".encode()
    show("shard key", shard_key); show("header of `open.0.1`", head); show("records", records)
    show("`open.0.1`", FILES["vault/open.0.1"]); show("`shard.0.1` of the same records", shard)
    show("root body", body); show("`root.1.1`", FILES["vault/root.1.1"])


def pack(members):
    section("A pack (§7)")
    head = MAGIC + b"\x50\1" + le(128, 2) + le(0, 4) + ARCHIVE + PACK + WRITER + le(TIME, 8) + le(0, 8) + bytes(52)
    head += le(crc32c(head), 4)
    body, entries = head, b""
    for blob, index in members:
        entries += blob.entry(len(body), index)
        body += blob.stored
    entries += bytes(-len(entries) % 4096)
    nonce = fixed("footer", 24)
    foot_key = hkdf(key(b"writer/" + WRITER.hex().encode()), PACK, b"mailarc/1/footer", 32)
    footer = xaes_seal(foot_key, nonce, entries, b"mailarc/1/footer\0" + head)[24:]
    trailer = le(len(body), 8) + le(len(footer), 4) + bytes(4) + nonce + le(1, 8) + bytes(32)
    signed = b"mailarc/1/pack\n" + sha256(body + footer + trailer)
    trailer += sign(WRITER_SEED, signed) + bytes(8)
    trailer += le(crc32c(trailer), 4) + b"KPAM"
    octets = body + footer + trailer
    FILES[f"packs/{sha256(octets).hex()[:2]}/{sha256(octets).hex()}"] = octets
    show("header", head); show("first footer entry", entries[:96]); show("sealed footer", footer)
    show("signed", signed); show("trailer", trailer); show("name", sha256(octets))
    return octets


def ledger(leaves):
    section("Ledger (LedgerFormat.md)")
    for index, text in enumerate(leaves):
        show(f"leaf {index}", text)
    hashes = [sha256(b"\0" + text) for text in leaves]
    FILES[f"log/tile/0/000.p/{len(leaves)}"] = b"".join(hashes)
    bundle = b"".join(len(text).to_bytes(2, "big") + text for text in leaves)
    aad = b"mailarc/1/entries\0" + ARCHIVE + le(0, 8) + le(len(leaves), 4)
    FILES[f"log/entries/000.p/{len(leaves)}"] = xaes_seal(key(b"meta"), fixed("bundle", 24), b"\0" + bundle, aad)
    body = f"{ORIGIN}\n{len(leaves)}\n{b64(merkle_root(hashes))}\n"
    line = sha256(ORIGIN.encode() + b"\n\1" + public(LOG_SEED))[:4] + sign(LOG_SEED, body.encode())
    FILES["log/checkpoint"] = f"{body}\n\u2014 {ORIGIN} {b64(line)}\n".encode()
    show("tile", b"".join(hashes)); show("root", merkle_root(hashes)); show("log public key", public(LOG_SEED))
    show("bundle at rest", FILES[f"log/entries/000.p/{len(leaves)}"], "stored")
    print("\nCheckpoint:\n\n```\n" + FILES["log/checkpoint"].decode() + "```")


def main():
    print("# Vectors of `mailarc/1`\n\nPrinted by `Fixtures/reader/mailarc_vectors.py`, an implementation apart from the "
          "program's, from `ArchiveFormat.md`\nand `LedgerFormat.md`. Random octets are SHA-256(\"vector \" ‖ label) cut "
          "to size; the labels are in the script.")
    keys_and_texts()
    message, record, part_blob, recipe_blob, event_blob, large, (second, second_blob, qp_blob) = blobs()
    members = [(part_blob, 1), (recipe_blob, 1), (event_blob, 2), (large, 3), (qp_blob, 3), (second_blob, 3)]
    vault(b"".join(blob.record(index) for blob, index in members))
    octets = pack(members)
    ledger([
        leaf(0, "init", f"archive {ARCHIVE.hex()}\nsuite 1\nlog-key {b64(public(LOG_SEED))}\nnonce {fixed('n0', 16).hex()}\n"),
        leaf(1, "ingest", f"commit hmac-sha256:{recipe_blob.commit(message).hex()}\nkeyid {recipe_blob.id.hex()}\n"
                          f"size {len(message)}\n"),
        leaf(2, "events", f"commit hmac-sha256:{event_blob.commit(record).hex()}\nkeyid {event_blob.id.hex()}\n"
                          f"size {len(record)}\nsequence 1\ncount 1\n"),
        leaf(3, "ingest", f"commit hmac-sha256:{second_blob.commit(second).hex()}\nkeyid {second_blob.id.hex()}\n"
                          f"size {len(second)}\n"),
        leaf(4, "pack", f"object sha256:{sha256(octets).hex()}\npack {PACK.hex()}\nnonce {fixed('n4', 16).hex()}\n"),
    ])
    if len(sys.argv) > 1:
        for path, data in FILES.items():
            path = os.path.join(sys.argv[1], path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)


if __name__ == "__main__":
    main()
