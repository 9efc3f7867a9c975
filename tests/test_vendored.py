"""Are the browser's vendored files exactly what their authors published, licensed, and enough without a network?"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from scripts.vendor import VENDOR, faults, manifests

ROOT = Path(__file__).resolve().parent.parent
EXPLORER = ROOT / "app" / "explorer"
PAGES = sorted(EXPLORER.glob("*.html"))


def test_every_vendored_file_is_the_one_that_was_published():
    assert [fault for manifest in manifests() for fault in faults(manifest)] == []
    assert {path.name for path in VENDOR.iterdir()} == {manifest.folder for manifest in manifests()}


def test_a_changed_vendored_file_is_noticed(tmp_path):
    (manifest,) = [one for one in manifests() if one.package == "swagger-ui-dist"]
    copy = shutil.copytree(VENDOR / manifest.folder, tmp_path / manifest.folder)
    with (copy / "swagger-ui.css").open("ab") as file:
        file.write(b" ")
    (copy / "LICENSE").unlink()
    (copy / "more.js").touch()

    assert faults(manifest, tmp_path) == [
        f"{manifest.folder}/LICENSE is missing.",
        f"{manifest.folder}/more.js is in no manifest.",
        f"{manifest.folder}/swagger-ui.css is not the file that was published.",
    ]


def test_every_vendored_package_brings_its_licence_and_is_listed():
    listed = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")

    for manifest in manifests():
        assert any(name.startswith("LICEN") for name in manifest.files)
        assert f"| {manifest.package} | {manifest.version} | {manifest.licence} |" in listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_needs_nothing_from_another_host(page):
    text = page.read_text(encoding="utf-8")
    loaded = re.findall(r'<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)="([^"]*)"', text)

    assert loaded
    assert all(address.startswith("/static/") for address in loaded)
    assert all((EXPLORER / address.removeprefix("/")).is_file() for address in loaded)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_no_inline_script_or_style(page):
    text = page.read_text(encoding="utf-8")

    assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all(body == "" for body in re.findall(r"<script\b[^>]*>(.*?)</script>", text, re.S))
