"""What a file is by its content, whatever its name says: a text table, a workbook, or something that is refused."""

import re
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from alignment.integrations.importers.tables import MAX_BYTES, NotATableError

HEAD = 65_536

TEXT, WORKBOOK = "csv", "xlsx"

_CSV_AGAIN = "Open it, save the sheet as “CSV UTF-8” or “Excel workbook (.xlsx)”, and import that file."
_UNPACK = "Unpack it and import the table that is in it."

_SIGNATURES: list[tuple[bytes, str]] = [
    (b"\xd0\xcf\x11\xe0", f"an old Excel workbook (.xls), or one with a password. {_CSV_AGAIN}"),
    (b"\x1f\x8b", f"a gzip archive. {_UNPACK}"),
    (b"BZh", f"a bzip2 archive. {_UNPACK}"),
    (b"\xfd7zXZ", f"an xz archive. {_UNPACK}"),
    (b"7z\xbc\xaf", f"a 7-Zip archive. {_UNPACK}"),
    (b"Rar!", f"a RAR archive. {_UNPACK}"),
    (b"\x28\xb5\x2f\xfd", f"a zstd archive. {_UNPACK}"),
    (b"%PDF", "a PDF. Export the table as CSV or Excel workbook instead."),
    (b"PAR1", "a Parquet file. Export the table as CSV instead."),
    (b"SQLite format 3", "a SQLite database. Export the table as CSV instead."),
    (b"\x89PNG", "a picture. Export the table as CSV instead."),
    (b"\xff\xd8\xff", "a picture. Export the table as CSV instead."),
    (b"GIF8", "a picture. Export the table as CSV instead."),
    (b"{\\rtf", f"a text document (RTF). {_CSV_AGAIN}"),
    (b"\x7fELF", "a program."),
    (b"MZ\x90", "a program."),
]

_TEXTS: list[tuple[re.Pattern[bytes], str]] = [
    (
        re.compile(rb"\s*(<!doctype html|<html|<head|<meta|<table|<body)", re.IGNORECASE),
        f"a web page (HTML), whatever its name says; exports called .xls often are. {_CSV_AGAIN}",
    ),
    (re.compile(rb"\s*<(\?xml|[a-z]+[ >])", re.IGNORECASE), "an XML document. Export the table as CSV instead."),
    (
        re.compile(rb"\s*(\{\s*[\"}]|\[\s*(\{|\[|\"|\]|-?\d+\s*[,\]]))"),
        "JSON. Export the table as CSV instead, or send the records through the API.",
    ),
    (re.compile(rb"\s*BEGIN:VCARD", re.IGNORECASE), "a file of business cards (vCard). Export the contacts as CSV."),
]

_IN_A_ZIP: list[tuple[str, str]] = [
    ("xl/workbook.bin", f"a binary Excel workbook (.xlsb). {_CSV_AGAIN}"),
    ("word/document.xml", f"a Word document. {_CSV_AGAIN}"),
    ("ppt/presentation.xml", f"a PowerPoint presentation. {_CSV_AGAIN}"),
    ("content.xml", f"an OpenDocument file (.ods). {_CSV_AGAIN}"),
    ("Index/Document.iwa", f"an Apple Numbers file. {_CSV_AGAIN}"),
]


def kind_of(path: Path) -> str:
    """`TEXT` or `WORKBOOK`. Raises NotATableError with a sentence that says what the file is instead."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise NotATableError(f"The file cannot be opened: {error.strerror}.") from error
    if size > MAX_BYTES:
        raise NotATableError(f"The file is larger than {MAX_BYTES // 1024**2} MB. Split it and import the parts.")
    if head.startswith(b"PK\x03\x04"):
        return _of_zip(path)
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            raise NotATableError(f"This is {what}")
    text = head.removeprefix(b"\xef\xbb\xbf")
    for pattern, what in _TEXTS:
        if pattern.match(text):
            raise NotATableError(f"This is {what}")
    if not text.strip() and size <= HEAD:
        raise NotATableError("The file is empty: its first row must name the columns.")
    return TEXT


def _of_zip(path: Path) -> str:
    try:
        with ZipFile(path) as archive:
            names = set(archive.namelist())
    except (BadZipFile, OSError, ValueError):
        raise NotATableError(
            "The file is damaged: it begins like a workbook or an archive and cannot be read."
        ) from None
    if "xl/workbook.xml" in names:
        return WORKBOOK
    what = next((what for name, what in _IN_A_ZIP if name in names), f"a zip archive. {_UNPACK}")
    raise NotATableError(f"This is {what}")
