"""How the characters of a text file are written: UTF-8, UTF-16 or Windows-1252; whatever else is refused."""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TextIO

from alignment.integrations.importers.tables import NotATableError

_CHUNK = 1 << 16
_UNPRINTABLE = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_UNKNOWN_TO_WINDOWS = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_FOREIGN = re.compile("[^\x00-\x7f]")
_WHY_NOT = "The characters are neither UTF-8 nor UTF-16 nor Windows-1252: save the file as “CSV UTF-8” and try again."


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec of Python's, and how many characters it cannot read (they become �); `name` is for people."""

    codec: str
    name: str
    broken: int = 0


def detect(path: Path) -> Encoding:
    """How a file's characters are written; the whole file decides. Raises NotATableError."""
    with path.open("rb") as file:
        head = file.read(65_536)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise NotATableError(_WHY_NOT)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Encoding("utf-16", "UTF-16")
    if wide := _wide(head):
        return wide
    if len(_UNPRINTABLE.findall(head)) + head.count(b"\x00") > max(8, len(head) // 20):
        raise NotATableError("This is no text but a binary file. Export the table as CSV or Excel workbook instead.")
    return _utf8(path) or _windows(path)


def opened(path: Path, encoding: Encoding) -> TextIO:
    """The file as text, with its line ends as they are."""
    errors = "replace" if encoding.broken else "strict"
    return io.TextIOWrapper(path.open("rb"), encoding=encoding.codec, errors=errors, newline="")


def _wide(head: bytes) -> Encoding | None:
    """UTF-16 without a mark: every other byte of plain text is NUL."""
    even, odd, half = head[0::2].count(0), head[1::2].count(0), max(1, len(head) // 2)
    if odd > half * 0.4 and even < half * 0.1:
        return Encoding("utf-16-le", "UTF-16")
    if even > half * 0.4 and odd < half * 0.1:
        return Encoding("utf-16-be", "UTF-16")
    return None


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _utf8(path: Path) -> Encoding | None:
    """UTF-8, some broken characters included where most others are right; None where it is something else."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return _broken_utf8(path)
    return Encoding("utf-8-sig", "UTF-8")


def _broken_utf8(path: Path) -> Encoding | None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    broken = others = 0
    for chunk in chain(_chunks(path), [b""]):
        text = decoder.decode(chunk, final=not chunk)
        broken += text.count("\ufffd")
        others += len(_FOREIGN.findall(text))
    return Encoding("utf-8-sig", "UTF-8", broken) if others > broken * 10 else None


def _windows(path: Path) -> Encoding:
    if any(_UNKNOWN_TO_WINDOWS.search(chunk) for chunk in _chunks(path)):
        raise NotATableError(_WHY_NOT)
    return Encoding("cp1252", "Windows-1252")
