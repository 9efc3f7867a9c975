"""How a file is opened for reading: plain, gzip or zip, as its first bytes say, and refused where it cannot be trusted."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from app.importers.base import FileRefused

# Text shrinks to a fifth, coded events at most to a thirtieth; gzip itself ends at about 1,030.
_BOMB_RATIO = 200
_BOMB_FROM_BYTES = 50_000_000
_LARGEST_BYTES = 200_000_000_000


class Unpacked(Protocol):
    """The content of a file while it is unpacked."""

    def read(self, size: int = ..., /) -> bytes: ...
    def close(self) -> None: ...


def open_file(path: Path | str) -> BinaryIO:
    """The bytes of `path`, unpacked while they are read; raises FileRefused, here or in the middle of reading.

    Refused are a directory, an empty file, an archive that is truncated or damaged, one with several members, one that
    unpacks to far more than it can honestly hold, and a file that changes while it is read.
    """
    path = Path(path)
    try:
        # Opening a pipe that nobody writes to would wait for ever.
        raw = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb")
    except IsADirectoryError:
        raise FileRefused(_directory(path)) from None
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise FileRefused(f"{path.name} cannot be opened: {reason}.") from None
    try:
        before = os.fstat(raw.fileno())
        if stat.S_ISDIR(before.st_mode):
            raise FileRefused(_directory(path))
        if not stat.S_ISREG(before.st_mode):
            raise FileRefused(
                f"{path.name} is no file but a pipe or a device. Save what comes out of it and import that."
            )
        if before.st_size == 0:
            raise FileRefused(f"{path.name} is empty.")
        head = raw.read(4)
        raw.seek(0)
        return io.BufferedReader(_Checked(path.name, raw, _unpacked(path.name, raw, head), before), 1 << 16)
    except BaseException:
        raw.close()
        raise


def _directory(path: Path) -> str:
    return f"{path.name or path} is a directory. Name the files in it, for example {path.name or path}/*.csv."


def _unpacked(name: str, raw: BinaryIO, head: bytes) -> Unpacked:
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=raw, mode="rb")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _only_member(name, raw)
    for magic, what in ((b"BZh", "bzip2"), (b"\xfd7zX", "xz"), (b"(\xb5/\xfd", "zstd"), (b"7z\xbc\xaf", "7z")):
        if head.startswith(magic):
            raise FileRefused(f"{name} is packed with {what}. Unpack it first; gzip and zip are read as they are.")
    return raw


def _only_member(name: str, raw: BinaryIO) -> Unpacked:
    try:
        archive = zipfile.ZipFile(raw)
        members = [
            each for each in archive.infolist() if not each.is_dir() and not each.filename.startswith("__MACOSX/")
        ]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
        detail = f"{name} begins as a zip archive and does not end as one ({problem}): it is truncated or damaged."
        raise FileRefused(f"{detail} No line of it was read. Fetch it again.") from None
    if len(members) != 1:
        seen = ", ".join([each.filename for each in members[:3]]) + (", …" if len(members) > 3 else "")
        raise FileRefused(
            f"{name} holds {len(members)} files ({seen}); an archive with one is allowed. Unpack it first."
        )
    member = members[0]
    if member.flag_bits & 1:
        raise FileRefused(f"{name} is encrypted. Unpack it first.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FileRefused(f"{name} is packed in an unusual way (method {member.compress_type}). Unpack it first.")
    try:
        return archive.open(member)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
        raise FileRefused(f"{name} cannot be unpacked ({problem}): it is damaged. Fetch it again.") from None


class _Checked(io.RawIOBase):
    """The unpacked bytes, counted while they pass, with every way in which an archive can fail told in words."""

    def __init__(self, name: str, raw: BinaryIO, unpacked: Unpacked, before: os.stat_result) -> None:
        super().__init__()
        self._name = name
        self._raw = raw
        self._unpacked = unpacked
        self._before = before
        self._passed = 0
        self._feeds = 0
        self._returns = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        block = self._read(self._unpacked.read, len(view))
        view[: len(block)] = block
        if block:
            self._count(block)
        else:
            self._finish()
        return len(block)

    def _read(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            return read(size)
        except EOFError:
            detail = f"{self._name} is truncated: the archive ends after line {self._lines():,} of its content."
            raise FileRefused(f"{detail} Fetch it again.") from None
        except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error) as problem:
            detail = f"{self._name} is damaged after line {self._lines():,} of its content ({problem})."
            raise FileRefused(f"{detail} Fetch it again.") from None
        except OSError as problem:
            reason = problem.strerror or str(problem)
            raise FileRefused(f"{self._name} cannot be read after line {self._lines():,}: {reason}.") from None

    def _count(self, block: bytes) -> None:
        self._passed += len(block)
        self._feeds += block.count(b"\n")
        self._returns += block.count(b"\r")
        if self._passed > _LARGEST_BYTES:
            raise FileRefused(f"{self._name} holds more than {_LARGEST_BYTES // 10**9} GB. Split it.")
        if self._unpacked is not self._raw and self._passed > _BOMB_FROM_BYTES:
            packed = max(self._raw.tell(), 1)
            if self._passed > _BOMB_RATIO * packed:
                detail = f"{self._name} unpacks to more than {_BOMB_RATIO} times its size, which no dataset does."
                raise FileRefused(f"{detail} Stopped after {self._passed // 10**6} MB, line {self._lines():,}.")

    def _lines(self) -> int:
        return self._feeds or self._returns

    def _finish(self) -> None:
        after = os.fstat(self._raw.fileno())
        if (after.st_size, after.st_mtime_ns) != (self._before.st_size, self._before.st_mtime_ns):
            detail = f"{self._name} changed while it was read (line {self._lines():,} was the last)."
            raise FileRefused(f"{detail} Import it when nobody writes to it any more.")
        if self._passed == 0:
            raise FileRefused(f"{self._name} holds nothing.")

    def close(self) -> None:
        if not self.closed:
            try:
                self._unpacked.close()
                self._raw.close()
            finally:
                super().close()
