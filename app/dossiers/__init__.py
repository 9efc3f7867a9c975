"""How a person writes down what a source says, and how that becomes records.

      a file (YAML or JSON)
        │
        │  document.read     bytes → a tree whose every node knows its line and column
        ▼
      tree ──── pin.pin      working quotations (`text: "…"`) → paragraph, sentence, start, end, sha256,
        │                    edited into the author's own file; needs the text of the source
        │
        │  check.check       every fault at once, each with its place, what is allowed and what to do next:
        │                    misfits (keys, types, limits, terms, dates: what `schema` says),
        │                    rules (references, ids, evidence, sentences passed over),
        │                    proof (each citation and quotation, where the text of the source is at hand)
        ▼
      dossier (schema.Dossier, a frozen value)
        │
        │  records.records   pure: defaults filled, evidence and dates expanded, ranks added
        ▼
      (noun, record) pairs, which the ledger takes

`sentences` says where the sentences of a text are, `find` where a quotation stands in it, `reading` which parts of the
schema a file holds and where. None of these touches a database, the network or the clock.
"""
