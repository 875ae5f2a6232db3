"""Files that come in over the web: streamed to the disk, refused with a sentence, kept privately for a while."""

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest

TOO_LARGE = "accord.upload_too_large"


class OnDisk(TemporaryUploadedFile):
    """An upload in the private folder; it is gone once the request is over."""

    def __init__(self, name: str, content_type: str, size: int, charset: str | None, extra: Any = None) -> None:
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


def new_name() -> str:
    """A name that nobody can guess, for a file to keep."""
    return f"{uuid4().hex}.csv"


def remove(name: str) -> None:
    """Remove a kept file; one that is gone is no error."""
    with suppress(FileNotFoundError):
        (folder() / name).unlink()


def place_of(upload: TemporaryUploadedFile) -> Path:
    """Where an upload was written to."""
    return Path(upload.temporary_file_path())
