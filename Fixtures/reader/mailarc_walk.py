"""Opens everything of an archive that any key in its folder opens, and looks for words in it.

Written for the proof of erasure (Documentation/Erasure.md): every vault file, blob, page of a database or of its log,
whatever its name says it is. Ledger bundles and journal frames are looked at as they lie and not opened: they hold ids
and digests, no mail. Prints one line a word that is found: the word and where.
"""
import argparse, base64, os, re, sys
from mailarc_reader import Archive, AESGCM, InvalidTag, expand, header, keyed_lines, le, need, read, sha256, xaes_key, xaes_open

def forms(word):
    """What stands for `word` in mail: in UTF-8 and UTF-16, base64 at each alignment; its first letters may be shared with
    the word before it in a full-text index."""
    tail = word[4:]
    for text in {tail, tail.upper()}:
        yield text.encode()
        yield text.encode("utf-16-le")
        yield text.encode("utf-16-be")
    for text in (word, word.upper()):
        for octets in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be")):
            for shift in range(3):
                yield base64.b64encode(bytes(shift) + octets)[4 if shift else 0:][:-4]

class Walk(Archive):
    def pieces(self):
        """Everything that opens, as (where, octets)."""
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    octets = file.read()
                where = os.path.relpath(path, self.folder)
                yield where, octets
                yield from self.opened(where, octets)
        for key_id in self.blobs:
            if key_id in self.deks:
                yield f"blob {key_id.hex()}", self.blob(key_id)[1]
        for key_id in self.messages():
            if key_id in self.deks:
                yield f"message {key_id.hex()}", self.message(key_id)

    def opened(self, where, octets):
        if where.startswith(("catalog/", "state/")):
            yield from self.pages(where, octets)
        if where.startswith("log/entries/"):
            from mailarc_ledger import leaf_texts
            return
        if octets[:7] == b"MAILARC" and len(octets) > 64 and octets[8] != 0x50:
            head, body = octets[:64], octets[64:]
            for name, key in self.all_keys():
                for aad in (b"mailarc/1/file\0" + head,):
                    try:
                        yield f"{where} under {name}", xaes_open(key, body, aad)
                    except (InvalidTag, ValueError):
                        pass

    def all_keys(self):
        yield "meta", self.key("meta")
        for name, secret in self.secrets.items():
            yield name, secret
        for name in os.listdir(f"{self.folder}/keys"):
            text = read(self.folder, "keys", name)
            found = re.search(rb"^secret (\S+)$", text, re.M)
            epoch = re.search(rb"^epoch (\d+)$", text, re.M)
            if found and epoch:
                from mailarc_reader import hkdf
                for number in range(int(epoch[1]) + 2):
                    yield f"{name}/{number}", hkdf(self.key("vault") + base64.b64decode(found[1]), self.id,
                                                   b"mailarc/1/vault-root" + number.to_bytes(4, "big"), 32)

    def pages(self, where, octets):
        """Every page of a database or log under every secret, as whatever file it was written for."""
        name = os.path.basename(where).removesuffix("-wal").removesuffix(".next")
        database = sha256(b"mailarc/1/database\0" + self.id + name.encode())[:16]
        starts = range(0, len(octets) - 4095, 4096)
        role = 1
        if where.endswith("-wal"):
            role, starts = 2, range(32 + 24, len(octets) - 4095, 4096 + 24)
        keys = [(n, k) for n, k in self.secrets.items() if n in ("catalog", "state")]
        for index, start in enumerate(starts):
            number = index + 1 if role == 1 else int.from_bytes(octets[start - 24:start - 20], "big")
            page = octets[start:start + 4096]
            aad = b"mailarc/1/page\0" + bytes([role]) + database + number.to_bytes(4, "big")
            for key_name, key in keys:
                try:
                    yield f"{where} page {number} under {key_name}", xaes_open(key, page[4048:4072] + page[:4048] + page[4072:4088], aad)
                except (InvalidTag, ValueError):
                    pass

def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive")
    parser.add_argument("--key-file")
    parser.add_argument("words", help="a file, one word a line")
    options = parser.parse_args()
    walk = Walk(options.archive, None, options.key_file and read(options.key_file))
    words = read(options.words).decode().split()
    patterns = {form: word for word in words for form in forms(word) if len(form) >= 6}
    search = re.compile(b"|".join(re.escape(form) for form in sorted(patterns, key=len, reverse=True)))
    found, pieces, octets_read = {}, 0, 0
    for where, octets in walk.pieces():
        pieces, octets_read = pieces + 1, octets_read + len(octets)
        for match in search.finditer(octets):
            found.setdefault(patterns[match[0]], where)
    for word, where in sorted(found.items()):
        print(word, where)
    print(f"{len(found)} of {len(words)} words in {pieces} pieces, {octets_read} octets", file=sys.stderr)

if __name__ == "__main__":
    main()
