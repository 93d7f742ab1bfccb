"""From a file's bytes to its text: gzip, byte-order marks, UTF-8, UTF-16, Latin-1. Not covered: other archives and office formats."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from pathlib import Path

from data_optimizer.parsing.contracts import contract
from wlops_common.errors import DatasetEmpty, DatasetUnreadable

#: More than this, unpacked, is refused: a small upload must not fill the machine's memory.
MAX_UNPACKED_BYTES = 4 * 1024**3

_READ_BYTES = 16 * 1024**2
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
#: What a file is, by its first bytes. The API refuses the same ones at upload.
_FOREIGN: list[tuple[re.Pattern[bytes], str]] = [
    (re.compile(one["begins"].encode()), one["kind"]) for one in contract("foreign-files.json")
]
_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]


def read_bytes(path: Path, role: str) -> tuple[bytes, list[str]]:
    """The file's content, unpacked if it is gzip, with notes on what was done. Raises ``DatasetUnreadable`` or ``DatasetEmpty``."""
    data, notes = path.read_bytes(), []
    if data.startswith(_GZIP):
        data = _unpack(path)
        notes.append("unpacked gzip")
    for begins, name in _FOREIGN:
        if begins.match(data):
            raise DatasetUnreadable(
                f"The file is {name}. Upload CSV, TSV, JSONL or Parquet, plain or gzip.", details={"line": 1}
            )
    if not data.strip(b"\x00\xef\xbb\xbf\xfe\xff \t\r\n"):
        raise DatasetEmpty(
            f"The {role} file holds nothing but blanks. Upload a file with rows.",
            details={"line": 1, "sample": "", "badRows": 0},
        )
    return data, notes


def is_parquet(data: bytes) -> bool:
    """Whether the content starts as Parquet files do."""
    return data.startswith(_PARQUET)


def decode(data: bytes) -> tuple[bytes, list[str]]:
    """The content as text in UTF-8 with line feeds as line ends, and notes. Raises ``DatasetUnreadable`` where it is no text."""
    encoding, start = _encoding(data)
    notes = [] if encoding == "utf-8" else [f"read as {encoding}"]
    try:
        text = _in_utf_8(data, encoding, start)
    except UnicodeDecodeError as error:
        if encoding != "utf-8" or b"\x00" in data:
            raise DatasetUnreadable(
                f"The file is not text in {encoding}: byte {error.start + start} cannot be read. Save it as UTF-8.",
                details={"line": data.count(b"\n", 0, error.start) + 1, "encoding": encoding},
            ) from error
        read, note = _partly_utf_8(data[start:])
        text = read.encode()
        notes.append(note)
    if b"\x00" in text and text.count(b"\x00") > len(text) // 100:
        raise DatasetUnreadable("The file is binary, not text. Upload CSV, TSV, JSONL or Parquet.", details={"line": 1})
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), notes


def _in_utf_8(data: bytes, encoding: str, start: int) -> bytes:
    """The text from ``start`` on in UTF-8; where it is that already it is only read through, in pieces. Raises ``UnicodeDecodeError``."""
    if encoding != "utf-8":
        return data[start:].decode(encoding).encode()
    if not data.isascii():
        decoder = codecs.getincrementaldecoder("utf-8")()
        for place in range(start, len(data), _READ_BYTES):
            try:
                decoder.decode(data[place : place + _READ_BYTES], final=place + _READ_BYTES >= len(data))
            except UnicodeDecodeError:
                return data[start:].decode().encode()  # Raises it again, with the place in the whole.
    return data[start:] if start else data


def _unpack(path: Path) -> bytes:
    try:
        with gzip.open(path) as stream:
            data = stream.read(MAX_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetUnreadable(
            f"The gzip file is damaged or cut short ({error}). Upload it again.", details={"line": 1}
        ) from error
    if len(data) > MAX_UNPACKED_BYTES:
        raise DatasetUnreadable(
            f"The gzip file unpacks to more than {MAX_UNPACKED_BYTES} bytes. Split it.", details={"line": 1}
        )
    return data


def _encoding(data: bytes) -> tuple[str, int]:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name, len(mark)
    head = data[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 8:
        return ("utf-16-be", 0) if even > odd else ("utf-16-le", 0)
    return "utf-8", 0


def _partly_utf_8(data: bytes) -> tuple[str, str]:
    """Text of a file that is not UTF-8 all over, and a note with the first such line.

    A file whose other lines are mostly UTF-8 has some foreign lines, pasted or cut; only these are read as Windows-1252.
    """
    lines = data.splitlines(keepends=True)
    texts = [_utf_8(line) for line in lines]
    foreign = [number for number, text in enumerate(texts, 1) if text is None]
    native = sum(text is not None and not text.isascii() for text in texts)
    if native > len(foreign):
        text = "".join(_latin(line) if text is None else text for line, text in zip(lines, texts, strict=True))
        return text, f"{len(foreign)} lines are not UTF-8 (first at line {foreign[0]}); these read as Windows-1252"
    return _latin(data), f"not UTF-8 (first at line {foreign[0]}); read as Latin-1 (Windows-1252)"


def _utf_8(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def _latin(data: bytes) -> str:
    """Windows-1252, which is Latin-1 with printable signs where that has none; the five bytes it leaves open as Latin-1."""
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")
