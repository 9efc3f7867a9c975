"""How the knowledge base is written by others than the command line: keys, edits, merges, review, mirrors.

    routes/writing ──▶ retries     was this very request answered before?
                         │
                         ├──▶ edits       one record as a reader sees it → the record as it is kept
                         ├──▶ merges      two actors that are one, and its undo
                         ├──▶ proposals   a dossier that waits for somebody to accept it
                         └──▶ dossiers/publish

Each write is one transaction with one revision in it, and the answer that is kept for a repetition.
"""
