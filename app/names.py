"""Whether two spellings are the same name: what is folded away, which respellings are usual, how alike the rest are.

    fold        "The Côte d’Ivoire's"  →  "cote divoire"       the same name, whatever the keyboard
    skeleton    "Zelenskyy", "Зеленський"  →  "zelenski"       the same name, romanised or respelt as usual
    words       "EU's net-zero plan"  →  eu, net, zero, plan   what a search looks for
    score       "Zelenksy" and "Zelenskyy"  →  0.88            a slip of the hand

Folding keeps the script: it drops what people leave out when they type, and never guesses. A skeleton guesses, by rule;
what no rule gives (Kiev for Kyiv, 石破 for Ishiba) is a name of its own in the data. None of these raises, whatever the
text, and any of them may be empty: `???` names nobody.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Final

from anyascii import anyascii

# Everything that is typed for an apostrophe. Before NFKC, which takes ´ and its Greek kin for a space with an accent.
_APOSTROPHES: Final = dict.fromkeys(map(ord, "’‘‛ʼʻʹʽʾʿ`´′‵＇｀᾽᾿῾´΄׳״"), "'")

# Scripts in which a mark above or below is an accent that people leave out. In others (Devanagari, Thai, kana) it is a
# letter.
_ACCENTED: Final = ("LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW")
# Scripts that write their vowels, so that a romanised name can have the same skeleton. Arabic and Hebrew do not, and in
# Chinese different names sound alike.
_ROMANISED: Final = ("GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN")


class _Table(dict[int, str]):
    """What each character becomes, for `str.translate`: asked of `becomes` when the character is first met."""

    def __init__(self, becomes: Callable[[str], str]) -> None:
        super().__init__()
        self.becomes = becomes

    def __missing__(self, code: int) -> str:
        found = self.becomes(chr(code))
        if code < 0x3000:  # the alphabets; Chinese alone has 98,000 characters, and whoever asks chooses which
            self[code] = found
        return found


def _letter(character: str) -> str:
    """A case-folded character without its accents; "" where it joins its neighbours, " " where it parts them."""
    category, name = unicodedata.category(character), unicodedata.name(character, "")
    if character in "'ـ" or category == "Cf" or name.startswith(("MODIFIER LETTER", "COMBINING", "VARIATION SELECTOR")):
        return ""
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category[0] not in "LMN":
        return " "
    if not name.startswith(_ACCENTED):
        return character
    bare = "".join(part for part in unicodedata.normalize("NFD", character) if unicodedata.category(part) != "Mn")
    if name.startswith("LATIN"):
        bare = anyascii(bare).casefold()  # ø, ł, ß, æ: letters that Unicode does not take apart
    return "".join(part for part in bare if part.isalnum())


def _romanised(letter: str) -> str:
    """A folded letter of a romanised script in Latin letters; others stay."""
    if not unicodedata.name(letter, "").startswith(_ROMANISED):
        return letter
    return "".join(part for part in anyascii(letter).casefold() if part.isalnum())


_LETTERS: Final = _Table(_letter)
_ROMANS: Final = _Table(_romanised)

_LAST_POSSESSIVE: Final = re.compile(r"(?<=\S)'s\W*+\Z")
_ANY_POSSESSIVE: Final = re.compile(r"(?<=\S)'s(?!\w)")
# The dot of an initial, with the space to the next one: U.S., U. S. and J. D. Vance, but not the dot of "St. Lucia".
_INITIAL: Final = re.compile(r"(?<![^\W_])([^\W\d_])\.(?:\s++(?=[^\W\d_]\.)|(?![^\W\d_]{2}))")
_ARTICLES: Final = re.compile(r"(?:the )+")


def fold(text: str) -> str:
    """The key under which spellings of one name are equal; folding it again changes nothing.

    Leaves out case, width, accents, apostrophes, the dots of initials, a leading "the" and a possessive 's at the end;
    hyphens, quotes and other punctuation part words, `&` is "and".
    """
    folded = _folded(_LAST_POSSESSIVE.sub("", _typed(text)))
    return folded[article.end() :] if (article := _ARTICLES.match(folded)) else folded


def words(text: str) -> list[str]:
    """The folded words of a text, in order, for searching it or in it: every possessive 's left out, "the" kept.

    Text without spaces between words (Chinese, Japanese, Thai) is one word.
    """
    return _folded(_ANY_POSSESSIVE.sub("", _typed(text))).split()


def _typed(text: str) -> str:
    """The text with one kind of apostrophe, width and case."""
    narrow = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES))
    return narrow.translate(_APOSTROPHES).casefold()  # NFKC takes some letters apart into an apostrophe and a letter


def _folded(typed: str) -> str:
    parted = _INITIAL.sub(r"\1", typed).replace("&", " and ").translate(_LETTERS)
    # Again NFKC: letters that an apostrophe or a mark held apart may now make one (Hangul syllables do).
    return unicodedata.normalize("NFKC", " ".join(parted.split()))


# ---- usual respellings

# In this order, for words of five letters and more: in short ones one letter makes another name (Khan and Han, Lee and
# Le). Each line is a respelling that is usual in news or in a transliteration.
_RESPELT: Final = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"tsch|tch", "ch"),  # Lukatschenko, Kravtchuk
        (r"sch", "sh"),  # Puschkin
        (r"kh", "h"),  # Mykhailo, Khomeini
        (r"gh", "g"),  # Erdoghan, Afghanistan
        (r"ph", "f"),
        (r"ck", "k"),
        (r"q", "k"),  # Qatar, Qaddafi
        (r"x", "ks"),  # Alexei
        (r"w", "v"),  # Wladimir
        (r"ou", "u"),  # Khartoum
        (r"([aou])e", r"\1"),  # Schroeder, Mueller
        (r"^ye", "e"),  # Yevgeny, Yerevan
        (r"(?<=[aeiou])h$", ""),  # Abdullah
    )
)
# Between vowels y is a consonant, which keeps Guyana from (French) Guiana and Fiji whole; j may stand for it.
_CONSONANT_Y: Final = re.compile(r"(?<=[aeou])[yj](?=[aeiou])|(?<=i)[yj](?=i)")
_YS: Final = re.compile(r"^[iy]+|(?<!^)[ijy]+")  # Zelensky, Zelenskyi, Zelenskij; a j in front stays: Jan is not Ian
_DOUBLED: Final = re.compile(r"([a-z])\1+")
_ROMAN_NUMERAL: Final = re.compile(r"[ivx]+")
_WHOLE_WORDS: Final = {"st": "saint"}


def skeleton(text: str) -> str:
    """A coarser key than `fold`, under which usual respellings and romanisations of a name are equal, word by word.

    Greek, Cyrillic, Armenian and Georgian letters become Latin ones. Words of one or two letters, words with digits and
    Roman numerals stay as they are: FI is not Fiji, G7 not G77, Charles II not Charles III. It is a guess, so whoever
    matches by it says so.
    """
    return " ".join(_bone(word) for word in fold(text).translate(_ROMANS).split())


def _bone(word: str) -> str:
    if word in _WHOLE_WORDS:
        return _WHOLE_WORDS[word]
    if len(word) < 3 or not word.isascii() or not word.isalpha() or _ROMAN_NUMERAL.fullmatch(word):
        return word
    usual = word
    if len(word) >= 5:
        for pattern, plain in _RESPELT:
            usual = pattern.sub(plain, usual)
    usual = _YS.sub("i", _CONSONANT_Y.sub("Y", usual)).lower()
    return _DOUBLED.sub(r"\1", usual) if len(word) >= 5 else usual


# ---- people

_PARTICLES: Final = frozenset({
    "abu", "af", "al", "av", "ben", "bin", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du",
    "el", "ibn", "la", "las", "le", "los", "ould", "ten", "ter", "van", "von", "zu", "zum", "zur",
})  # fmt: skip
_AFTER_NAMES: Final = frozenset({
    "esq", "ii", "iii", "iv", "jr", "junior", "kc", "md", "mp", "obe", "phd", "sr", "senior",
})  # fmt: skip
# Family names that English texts leave in front, as at home: Xi Jinping, Park Geun-hye.
_FIRST: Final = frozenset({
    "ban", "cao", "chen", "chiang", "cho", "choe", "choi", "chung", "deng", "gao", "guo", "ho", "hu", "huang", "hwang",
    "jang", "jiang", "kang", "lai", "li", "lin", "liu", "ma", "mao", "moon", "nguyen", "park", "peng", "pham", "qin",
    "ri", "roh", "shin", "sun", "tran", "tsai", "vo", "wang", "wei", "wen", "wu", "xi", "xu", "yang", "ye", "yoon",
    "zeng", "zhang", "zhao", "zheng", "zhou", "zhu",
})  # fmt: skip
# Those that are given names elsewhere: in front of two more words only. Kim Jong Un, but Kim Campbell.
_FIRST_OF_THREE: Final = frozenset({"han", "kim", "lee"})
_BRACKETED: Final = re.compile(r"\([^()]*\)")


def family_names(text: str) -> list[str]:
    """The folded family names by which people call the person of this full name, most complete first.

    `Ursula von der Leyen` gives "von der leyen" and "leyen", `Kim Jong Un` gives "kim"; a single word is its own. It
    goes by rule of thumb: good for finding a person who is then shown, not for telling people apart.
    """
    before, comma, after = _BRACKETED.sub(" ", text).partition(",")
    tokens = [folded for token in before.split() if (folded := fold(token))]
    while len(tokens) > 1 and tokens[-1] in _AFTER_NAMES:
        tokens.pop()
    if not tokens:
        return []
    given = [word for word in words(after) if word not in _AFTER_NAMES]
    if comma and given:  # "Zelenskyy, Volodymyr"
        return _with_and_without_particles(tokens)
    if len(tokens) > 1 and tokens[0] in _FIRST:
        return tokens[:1]
    if tokens[0] in _FIRST_OF_THREE and len(" ".join(tokens).split()) > 2:
        return tokens[:1]
    start = len(tokens) - 1
    while start > 0 and tokens[start - 1] in _PARTICLES:
        start -= 1
    return _with_and_without_particles(tokens[start:])


def _with_and_without_particles(tokens: list[str]) -> list[str]:
    whole = " ".join(tokens).split()
    bare = whole
    while len(bare) > 1 and bare[0] in _PARTICLES:
        bare = bare[1:]
    return list(dict.fromkeys((" ".join(whole), " ".join(bare))))


# ---- governments

_GOVERNMENT: Final = ("government", "govt", "gov")


def government_forms(state_name: str, demonyms: Iterable[str]) -> list[str]:
    """The folded usual ways to name a state's government: "government of japan", "japans government", "japanese govt".

    Demonyms that several states share (Congolese) give forms that several states share: the caller decides.
    """
    state = fold(state_name)
    people = [folded for demonym in demonyms if (folded := fold(demonym))]
    if not state:
        return []
    forms = [
        form
        for government in _GOVERNMENT
        for form in (
            f"{government} of {state}",
            f"{government} of the {state}",
            f"{state} {government}",
            f"{state}s {government}",
            *(f"{demonym} {government}" for demonym in people),
        )
    ]
    return list(dict.fromkeys(forms))


# ---- slips of the hand

_COMPARED: Final = 200  # characters; comparing costs their product


def score(asked: str, name: str) -> float:
    """How alike two names are, from 0 to 1, for suggesting what may have been meant; not for deciding that it was.

    1 is the same when folded, 0.95 the same skeleton, anything else letters in common. A name asked in part ("Ishba"
    for Shigeru Ishiba) counts nine tenths of its most similar part. From 0.75 on it is worth suggesting: Iraq for Iran.
    """
    one, other = fold(asked[:_COMPARED]), fold(name[:_COMPARED])
    if not one or not other:
        return 0.0
    if one == other:
        return 1.0
    bone, other_bone = skeleton(one) or one, skeleton(other) or other
    if bone == other_bone:
        return 0.95
    return min(0.94, max(_likeness(one, other), _likeness(bone, other_bone)))


def _likeness(asked: str, name: str) -> float:
    """How many letters two folded names have in common, in whole or where the asked one is like a part of the name."""
    from rapidfuzz import fuzz  # only answers that found nothing need it, and it takes 13 ms to load

    parts, length = name.split(), len(asked.split())
    runs = [" ".join(parts[at : at + length]) for at in range(len(parts) - length + 1)] if length < len(parts) else []
    part = max((fuzz.ratio(asked, run) for run in runs), default=0.0)
    return max(fuzz.token_sort_ratio(asked, name), 0.9 * part) / 100
