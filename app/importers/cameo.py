"""What a CAMEO code says by its first digits: the quad class, and our type of event where it is plain."""

from __future__ import annotations

# FORMATS of the datasets agree: 01–05 verbal cooperation, 06–08 material cooperation, 09–13 verbal conflict,
# 14–20 material conflict.
QUADS = {f"{root:02d}": 1 if root < 6 else 2 if root < 9 else 3 if root < 14 else 4 for root in range(1, 21)}

# Only where the code means what our term means. 011 (declines comment), 014 (studies an option) and 017 (symbolic act)
# stand under "make public statement" and are none; 04x is any contact, from a call to a summit.
KINDS = dict.fromkeys(("010", "012", "013", "015", "016", "018", "019"), "public_statement") | {
    "057": "agreement_signing"
}

# The same, by the words of the ICEWS dictionary, for layouts that carry the words alone.
KINDS_BY_LABEL = {
    "Make statement": "public_statement",
    "Make pessimistic comment": "public_statement",
    "Make optimistic comment": "public_statement",
    "Acknowledge or claim responsibility": "public_statement",
    "Deny responsibility": "public_statement",
    "Make empathetic comment": "public_statement",
    "Express accord": "public_statement",
    "Sign formal agreement": "agreement_signing",
}


def is_code(text: str) -> bool:
    """Whether this is written as a CAMEO code: a root of 01 to 20, and up to two digits more."""
    return 2 <= len(text) <= 4 and text.isascii() and text.isdigit() and text[:2] in QUADS
