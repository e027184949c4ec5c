"""Writes persuasion.txt: the first chapters of Jane Austen's "Persuasion", one paragraph per line, UTF-8.

The text comes from the Debian package r-cran-janeaustenr (apt-get download r-cran-janeaustenr; dpkg -x FILE DIR), whose
lazy-load database holds each novel as an R character vector of hard-wrapped lines.
Usage: python3 make_text.py DIR > persuasion.txt
"""
import pathlib
import re
import struct
import sys
import zlib

ENOUGH_BYTES = 230_000  # whole chapters until this is passed
database = next(pathlib.Path(sys.argv[1]).rglob("janeaustenr/data/Rdata.rdb")).read_bytes()


def entries(data):
    """Each entry of a lazy-load database: 4 bytes of uncompressed length, then one zlib stream."""
    place = 0
    while place + 6 < len(data):
        stream = zlib.decompressobj()
        length = struct.unpack(">I", data[place:place + 4])[0]
        body = stream.decompress(data[place + 4:])
        assert len(body) == length
        yield body
        place = len(data) - len(stream.unused_data)


def strings(body):
    """The texts of an entry. R's XDR serialization stores each as a CHARSXP record (type 9): flags, length, bytes."""
    out = []
    for match in re.finditer(rb"\x00[\x00-\x0f]\x00\x09", body):
        length = struct.unpack(">i", body[match.end():match.end() + 4])[0]
        if 0 <= length < 200:
            out.append(body[match.end() + 4:match.end() + 4 + length].decode("utf-8"))
    return out


lines = next(found for found in map(strings, entries(database)) if any("PERSUASION" in line.upper() for line in found[:8]))
text = "\n".join(lines)
text = text[text.index("Chapter 1"):]
paragraphs, total = [], 0
for paragraph in re.split(r"\n\s*\n+", text):
    paragraph = re.sub(r"\s+", " ", paragraph).strip()
    if paragraph.startswith("Chapter ") and total > ENOUGH_BYTES:
        break
    if paragraph:
        paragraphs.append(paragraph)
        total += len(paragraph.encode()) + 1
sys.stdout.reconfigure(encoding="utf-8", newline="\n")
print("\n".join(paragraphs))
