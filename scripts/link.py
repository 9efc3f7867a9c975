"""How a virtual environment runs this checkout: a path file that finds `app`, and the `chancery` command.

Does what `pip install --no-deps -e .` does, without fetching a build backend first, in a few milliseconds.
Run it with the environment's own Python: `.venv/bin/python scripts/link.py`.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

# Not `#!…/python`: the kernel cuts that line at 127 bytes and at the first blank, and a checkout may lie deep.
# To the shell the first lines are an exec, to Python they are a string.
COMMAND = """\
#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys

from app.cli import main

sys.exit(main())
"""


def link(checkout: Path, *, packages: Path, commands: Path, python: Path) -> None:
    """Make `app` importable and `chancery` runnable in the environment that owns these two folders."""
    (packages / "chancery.pth").write_text(f"{checkout}\n", encoding="utf-8")
    command = commands / "chancery"
    command.write_text(COMMAND.format(python=python), encoding="utf-8")
    command.chmod(0o755)


if __name__ == "__main__":
    if sys.prefix == sys.base_prefix:
        sys.exit("Not in a virtual environment. Run this as `.venv/bin/python scripts/link.py`, or let `make` do it.")
    link(
        Path(__file__).resolve().parent.parent,
        packages=Path(sysconfig.get_path("purelib")),
        commands=Path(sysconfig.get_path("scripts")),
        python=Path(sys.executable),
    )
