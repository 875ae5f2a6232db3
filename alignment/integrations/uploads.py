"""Files that come in over the web: streamed to the disk, refused with a sentence, kept privately for a while."""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest

from alignment.integrations.importers.staging import stage
from alignment.integrations.importers.tables import Table
from alignment.integrations.models import Import
from alignment.people.models import User

TOO_LARGE = "accord.upload_too_large"


class OnDisk(TemporaryUploadedFile):
    """An upload in the private folder; it is gone once the request is over."""

    def __init__(
        self, name: str | None, content_type: str | None, size: int, charset: str | None, extra: Any = None
    ) -> None:
        file = tempfile.NamedTemporaryFile(suffix=".upload", dir=folder())  # noqa: SIM115 (closed with the request)
        super(TemporaryUploadedFile, self).__init__(file, name, content_type, size, charset, extra)


class ToDisk(TemporaryFileUploadHandler):
    """Writes an upload to the private folder as it arrives; what is larger than allowed is not written."""

    seen = 0
    too_large = False

    def handle_raw_input(self, input_data: Any, META: dict[str, Any], content_length: int, *rest: Any) -> None:  # noqa: N803
        # The parts around a file are some hundred bytes.
        self.too_large = content_length > settings.UPLOAD_MOST_BYTES + 10_000

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        if self.too_large:
            self._refuse()
        FileUploadHandler.new_file(self, *args, **kwargs)
        self.file = OnDisk(self.file_name, self.content_type, 0, self.charset, self.content_type_extra)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.seen += len(raw_data)
        if self.seen > settings.UPLOAD_MOST_BYTES:
            self._refuse()
        received: bytes | None = super().receive_data_chunk(raw_data, start)
        return received

    def _refuse(self) -> None:
        """The rest is read and thrown away, so that the browser hears the answer."""
        assert self.request is not None
        self.request.META[TOO_LARGE] = True
        raise StopUpload(connection_reset=False)


def is_too_large(request: HttpRequest) -> bool:
    """Whether a file was thrown away while it came in; true only once the form was read."""
    return TOO_LARGE in request.META


def folder() -> Path:
    """Where uploads are; nobody else on the machine can look inside."""
    path = Path(settings.IMPORTS_DIR)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextmanager
def staged(source: Path) -> Iterator[tuple[str, Table]]:
    """The name of a staged copy of a file, and what is known of it; the copy goes again if the block fails.

    Raises NotATableError with a sentence that says what the file is.
    """
    name = f"{uuid4().hex}.csv"
    try:
        yield name, stage(source, folder() / name)
    except BaseException:
        remove(name)
        raise


def record(
    stored_as: str, table: Table, *, name: str, size: int, actor: User | None, mapping: dict[str, Any] | None = None
) -> Import:
    """The row of a file that was taken in."""
    return Import.objects.create(
        name=name[:255],
        stored_as=stored_as,
        size=size,
        header=list(table.columns),
        header_key=header_key(table.columns),
        digest=_digest(folder() / stored_as),
        rows=table.rows,
        notes=list(table.notes),
        mapping=mapping,
        created_by=actor,
    )


def header_key(columns: Sequence[str]) -> str:
    """Files with the same column names, in any order, have the same key."""
    names = sorted(name.casefold() for name in columns)
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove(name: str) -> None:
    """Remove a kept file; one that is gone is no error."""
    with suppress(FileNotFoundError):
        (folder() / name).unlink()
