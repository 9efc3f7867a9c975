"""Where the browser's vendored files come from, and whether they are still what was published.

    python -m scripts.vendor                             fetch every vendored package again, as its manifest says
    python -m scripts.vendor add NAME VERSION FILE…      vendor a package, or a newer version of one

Each package has a folder with a manifest: its name, version and licence on the npm registry, the digest of its tarball,
and the digest of each file taken from it. Needs `npm`, nothing else; the served application needs neither.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

VENDOR = Path(__file__).resolve().parent.parent / "app" / "explorer" / "static" / "vendor"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One vendored package: what it is, and the digests of its tarball (sha512) and of the files taken (sha256)."""

    package: str
    version: str
    licence: str
    integrity: str
    files: Mapping[str, str]

    @property
    def folder(self) -> str:
        """Its folder's name. The version is in it, so that a browser may keep each file for ever."""
        return f"{self.package.removeprefix('@').replace('/', '-')}-{self.version}"


def manifests(vendor: Path = VENDOR) -> list[Manifest]:
    """What is vendored, by folder."""
    return [Manifest(**json.loads(path.read_text(encoding="utf-8"))) for path in sorted(vendor.glob(f"*/{MANIFEST}"))]


def faults(manifest: Manifest, vendor: Path = VENDOR) -> list[str]:
    """What in a package's folder is not as its manifest says, a sentence each; empty when all is well."""
    folder = vendor / manifest.folder
    found = {path.name for path in folder.iterdir()} - {MANIFEST}
    digests = {laid(name): digest for name, digest in manifest.files.items()}
    return [
        *(f"{manifest.folder}/{name} is missing." for name in sorted(digests.keys() - found)),
        *(f"{manifest.folder}/{name} is in no manifest." for name in sorted(found - digests.keys())),
        *(
            f"{manifest.folder}/{name} is not the file that was published."
            for name in sorted(found & digests.keys())
            if sha256((folder / name).read_bytes()) != digests[name]
        ),
    ]


def laid(name: str) -> str:
    """Under which name a file of a tarball lies in the package's folder: its own, without the folders above it."""
    return PurePosixPath(name).name


def fetch(package: str, version: str) -> bytes:
    """The tarball of a package, as the npm client gets it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", f"{package}@{version}", "--pack-destination", folder, "--silent"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (tarball,) = Path(folder).iterdir()
        return tarball.read_bytes()


def unpack(tarball: Path, names: Sequence[str]) -> dict[str, bytes]:
    """The named files of a tarball, read and not extracted: a path in it can then lead nowhere."""
    files = {}
    with tarfile.open(tarball) as archive:
        for name in names:
            member = archive.extractfile(f"package/{name}")
            if member is None:
                raise ValueError(f"{name} is no file of this package.")
            files[name] = member.read()
    return files


def vendor_package(package: str, version: str, names: Sequence[str], *, expected: Manifest | None = None) -> Manifest:
    """Fetch a package and lay the named files and their manifest into its folder.

    Raises ValueError, before anything is written, when `expected` is given and the package is no longer that one.
    """
    content = fetch(package, version)
    with tempfile.NamedTemporaryFile(suffix=".tgz") as tarball:
        tarball.write(content)
        tarball.flush()
        about = json.loads(unpack(Path(tarball.name), ["package.json"])["package.json"])
        files = unpack(Path(tarball.name), names)
    digests = {name: sha256(files[name]) for name in sorted(files)}
    manifest = Manifest(package, version, about["license"], integrity(content), digests)
    if expected is not None and manifest != expected:
        raise ValueError(f"{package} {version} is not the package that was vendored; its manifest says another digest.")
    folder = VENDOR / manifest.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / laid(name)).write_bytes(data)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    return manifest


def sha256(content: bytes) -> str:
    """The digest of a file, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def integrity(content: bytes) -> str:
    """The digest of a tarball, as npm's lock files write it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks; 2 when it cannot be understood."""
    match arguments:
        case []:
            for known in manifests():
                vendor_package(known.package, known.version, list(known.files), expected=known)
                print(f"{known.package} {known.version}: {len(known.files)} files, as published.")
        case ["add", package, version, *names] if names:
            made = vendor_package(package, version, names)
            print(f"{made.package} {made.version} ({made.licence}) is in {made.folder}. List it in THIRD_PARTY.md.")
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
