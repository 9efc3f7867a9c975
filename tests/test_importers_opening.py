"""Opening files: what is unpacked, and what is refused before or while it is read."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import re
import zipfile
import zlib
from pathlib import Path

import pytest

from app.importers import opening
from app.importers.base import FileRefused
from app.importers.opening import open_file

CONTENT = b"".join(b"%d\tsome words\n" % at for at in range(20_000))


def read(path: Path) -> bytes:
    with open_file(path) as file:
        return b"".join(iter(lambda: file.read(10_000), b""))


def packed(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_plain_gzip_and_zip_are_told_by_their_bytes(tmp_path: Path):
    for content in (CONTENT, gzip.compress(CONTENT), packed(facts=CONTENT)):
        path = tmp_path / "named-like-nothing.zip"
        path.write_bytes(content)

        assert read(path) == CONTENT


def test_gzip_of_several_parts_is_one_file(tmp_path: Path):
    path = tmp_path / "parts.gz"
    path.write_bytes(gzip.compress(CONTENT[:100]) + gzip.compress(CONTENT[100:]))

    assert read(path) == CONTENT


def test_a_mac_archive_has_one_member_all_the_same(tmp_path: Path):
    path = tmp_path / "mac.zip"
    path.write_bytes(packed(**{"facts.tsv": CONTENT, "__MACOSX/._facts.tsv": b"x", "folder/": b""}))

    assert read(path) == CONTENT


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (gzip.compress(b""), "holds nothing"),
        (packed(a=b"1", b=b"2"), "holds 2 files (a, b); an archive with one is allowed"),
        (packed(), "holds 0 files"),
        (packed(facts=CONTENT)[:-100], "begins as a zip archive and does not end as one"),
        (gzip.compress(CONTENT)[:-20], "is truncated: the archive ends after line"),
        (gzip.compress(CONTENT)[:-8] + bytes(8), "is damaged after line 19,"),
        (bz2.compress(CONTENT), "is packed with bzip2. Unpack it first"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(tmp_path: Path, content: bytes, words: str):
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(FileRefused, match=re.escape(words)):
        read(path)


def test_a_truncated_archive_says_how_far_it_went(tmp_path: Path):
    path = tmp_path / "half.gz"
    whole = gzip.compress(CONTENT)
    path.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(FileRefused, match=r"after line (\d|,)+ of its content") as refusal:
        read(path)

    line = int(re.findall(r"line ([\d,]+)", refusal.value.detail)[0].replace(",", ""))
    assert 5_000 < line < 15_000


def test_a_damaged_member_is_refused(tmp_path: Path):
    content = bytearray(packed(facts=CONTENT))
    content[len(content) // 2] ^= 0xFF
    path = tmp_path / "damaged.zip"
    path.write_bytes(content)

    with pytest.raises(FileRefused, match="damaged"):
        read(path)


def test_an_encrypted_archive_is_refused(tmp_path: Path):
    content = bytearray(packed(facts=CONTENT))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    path = tmp_path / "secret.zip"
    path.write_bytes(content)

    with pytest.raises(FileRefused, match="is encrypted"):
        read(path)


def test_a_directory_a_pipe_and_a_missing_file_are_refused(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(FileRefused, match=r"is a directory\. Name the files in it"):
        open_file(tmp_path)
    with pytest.raises(FileRefused, match="is no file but a pipe or a device"):
        open_file(tmp_path / "pipe")
    with pytest.raises(FileRefused, match="cannot be opened: No such file"):
        open_file(tmp_path / "missing")


@pytest.mark.parametrize("kind", ["gzip", "zip"])
def test_a_bomb_is_stopped(tmp_path: Path, kind: str):
    path = tmp_path / "bomb"
    zeros = zlib.compressobj(9, zlib.DEFLATED, 31)
    if kind == "gzip":
        path.write_bytes(b"".join([zeros.compress(bytes(1_000_000)) for _ in range(100)]) + zeros.flush())
    else:
        path.write_bytes(packed(bomb=bytes(100_000_000)))

    with pytest.raises(FileRefused, match="unpacks to more than 200 times its size"):
        read(path)


def test_a_file_beyond_all_measure_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opening, "_LARGEST_BYTES", 100_000)
    path = tmp_path / "large"
    path.write_bytes(CONTENT)

    with pytest.raises(FileRefused, match="Split it"):
        read(path)


def test_a_plain_file_may_repeat_itself_as_it_likes(tmp_path: Path):
    path = tmp_path / "plain"
    path.write_bytes(b"x" * 60_000_000)

    with open_file(path) as file:
        assert sum(map(len, iter(lambda: file.read(1 << 20), b""))) == 60_000_000


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, pack):
    path = tmp_path / "growing"
    path.write_bytes(pack(CONTENT))

    with open_file(path) as file:
        file.read(10)
        with path.open("ab") as again:
            again.write(pack(b"one more line\n"))
        with pytest.raises(FileRefused, match="changed while it was read"):
            list(iter(lambda: file.read(10_000), b""))
