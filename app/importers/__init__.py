"""Reading other people's coded events: a file a dataset, pure (bytes in, values out), and the runner that stores them.

open_file(path) → detect(head, name) → importer.read(file) → Row | Refused → importer.translate(row) → Coded | Refused
"""
