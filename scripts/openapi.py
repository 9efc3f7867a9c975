"""Print the OpenAPI document that the application serves."""

from __future__ import annotations

import sys

from app.main import create_app, openapi_of


def main() -> None:
    """Write the document to standard output."""
    sys.stdout.buffer.write(openapi_of(create_app()) + b"\n")


if __name__ == "__main__":
    main()
