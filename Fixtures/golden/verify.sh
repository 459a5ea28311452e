#!/bin/sh
# Reads Fixtures/golden/archive with the Python reader and compares every message with expected.sha256.
set -eu
python=python3
"$python" -c "import cryptography, zstandard" 2> /dev/null || python=/usr/bin/python3
here=$(cd "$(dirname "$0")" && pwd)
reader="$here/../reader/mailarc_reader.py"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'golden archive of mailarc/1' > "$work/passphrase"
read_archive() { "$python" -B "$reader" "$here/archive" "$@"; }

# Key ids differ in every archive; the octets do not.
cut -c1-64 "$here/expected.sha256" | LC_ALL=C sort > "$work/expected"
for key in "--passphrase-file $work/passphrase" "--key-file $here/key-file"; do
    # shellcheck disable=SC2086 # an option and its value
    read_archive $key check
    # shellcheck disable=SC2086
    read_archive $key extract "$work/out" > "$work/listing"
    cut -c1-64 "$work/listing" | LC_ALL=C sort > "$work/found"
    cmp "$work/expected" "$work/found"
    (cd "$work/out" && sha256sum -c --quiet "$work/listing")
done
# shellcheck disable=SC2086
read_archive $key events > "$work/events"
for type in placed flags gone created renamed deleted uidvalidity quarantined; do
    grep -q "^$type " "$work/events"
done
# Names of immutable objects, without any key.
cd "$here/archive"
find packs dict -type f | while read -r file; do printf '%s  %s\n' "$(basename "$file")" "$file"; done | sha256sum -c --quiet
echo "golden archive: $(wc -l < "$work/found") messages as expected"
