"""The subcommands of `chancery`, a file a subject; `app.cli` puts them together."""
