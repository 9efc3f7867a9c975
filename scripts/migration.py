"""Write the draft of a migration: what the models have and the migrations do not have yet, as steps to read and to mend.

Run it as `.venv/bin/python -m scripts.migration "hold vessels"`; the words name the effect.
"""

from __future__ import annotations

import sys
import tempfile

from alembic.command import revision
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import make_url

from app import schema
from app.db import open_database
from app.settings import Settings
from app.times import utc_now


def main() -> None:
    """Compare the models with a freshly migrated database, and write the difference into `migrations/versions/`."""
    if len(sys.argv) != 2:
        sys.exit('Name the effect of the migration in a few words: -m scripts.migration "hold vessels"')
    migrations = Settings().migrations
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(make_url(f"sqlite:///{folder}/fresh.db"))
        schema.migrate(database, migrations)
        config = Config()
        config.set_main_option("script_location", str(migrations).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(slug)s")
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        day = utc_now().strftime("%Y%m%d")
        free = next(f"{day}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz" if f"{day}{letter}" not in known)
        with database.write() as connection:
            config.attributes["connection"] = connection
            revision(config, sys.argv[1], autogenerate=True, rev_id=free)
        database.close()


if __name__ == "__main__":
    main()
