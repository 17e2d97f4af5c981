"""Code points -> character classes, as one table lookup.

The classes are what tells prose from chrome in any script: letters with and without case, marks,
digits, the punctuation that ends a sentence (in forty scripts), the punctuation that ends a menu
item. The table is stored as runs of equal class (``characters.npz``), which expand in under a
millisecond where a scan with ``unicodedata`` takes 0.2 s. ``python -m dechrome.characters``
rebuilds it from the Unicode database of the running Python.
"""

from __future__ import annotations

import functools
import sys
import unicodedata
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["CLASSES", "class_table", "fold_table"]

#: Class names; the index is the value in the table.
CLASSES: tuple[str, ...] = (
    "other",  # unassigned, private use, format characters
    "upper",
    "lower",
    "uncased",  # letters of scripts without case, other than the wide ones
    "wide",  # Han, Kana, Hangul syllables: one character carries a syllable or a word
    "mark",
    "digit",
    "space",
    "terminal",  # ends a sentence
    "ellipsis",
    "comma",
    "colon",
    "quote",
    "open",
    "close",
    "dash",
    "divider",  # | · • » › > / : what stands between menu items
    "at",  # @ # _ & = % + ~ : addresses, handles, code
    "currency",
    "sign",  # © ® ™
    "symbol",  # emoji, arrows, geometric shapes, mathematics
    "control",
)

#: Unicode property Sentence_Terminal (https://www.unicode.org/reports/tr44/), the ones in use on the web.
_TERMINAL = "!.?։؞؟۔܀܁܂߹।॥၊။።፧፨᙮᜵᜶។៕᠃᠉᥄᥅᪨᪩᪪᪫᭚᭛᭞᭟᰻᰼᱾᱿‼‽⁇⁈⁉⸮。꓿꘎꘏꛳꛷꡶꡷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫﹒﹖﹗！．？｡๏๚๛"
_COMMA = ",;،؛՝፣፤、，；､﹐﹑﹔߸᠂᠈꓾"
_COLON = ":：︓﹕፡፥፦"
_QUOTE = "\"'`´“”„‟‘’‚‛«‹〝〞〟＂＇「」『』﹁﹂﹃﹄《》〈〉"
_DIVIDER = "|¦·•‣⁃∙◦»›>/\\→▶►▸▾▼←◀❯❮＞｜・●■□▪‖／"
_AT = "@#_&=%+~^*＠＃＿＆＝％＋～＊"
_SIGN = "©®™℗"
_EXPLICIT = (
    (_TERMINAL, "terminal"),
    ("…⋯‥", "ellipsis"),
    (_COMMA, "comma"),
    (_COLON, "colon"),
    (_QUOTE, "quote"),
    (_DIVIDER, "divider"),
    (_AT, "at"),
    (_SIGN, "sign"),
)
_BY_CATEGORY = {
    "Lu": "upper", "Lt": "upper", "Ll": "lower", "Lo": "uncased", "Lm": "uncased",
    "Mn": "mark", "Mc": "mark", "Me": "mark", "Nd": "digit", "Nl": "digit", "No": "digit",
    "Zs": "space", "Zl": "space", "Zp": "space", "Ps": "open", "Pe": "close", "Pi": "quote",
    "Pf": "quote", "Pd": "dash", "Sc": "currency", "Sk": "symbol", "Sm": "symbol",
    "So": "symbol", "Po": "symbol", "Pc": "at", "Cc": "control", "Cs": "other",
}  # fmt: skip
#: Blocks whose letters count as "wide" (https://www.unicode.org/Public/UNIDATA/Blocks.txt).
_WIDE = ((0x2E80, 0x9FFF), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x1B000, 0x3FFFF))
_TABLE_FILE = Path(__file__).with_name("characters.npz")
_N_CODE_POINTS = sys.maxunicode + 1


@functools.cache
def class_table() -> npt.NDArray[np.uint8]:
    """Table of character classes.

    Returns
    -------
    ndarray of uint8, shape (1114112,)
        Entry ``c`` is the index in :data:`CLASSES` of code point ``c``. Read-only.

    Examples
    --------
    >>> [CLASSES[class_table()[ord(c)]] for c in "aあ।|"]
    ['lower', 'wide', 'terminal', 'divider']
    """
    with np.load(_TABLE_FILE, allow_pickle=False) as runs:
        starts, classes = runs["starts"], runs["classes"]
    table = np.repeat(classes, np.diff(starts, append=_N_CODE_POINTS))
    table.flags.writeable = False
    return table


@functools.cache
def fold_table() -> npt.NDArray[np.uint32]:
    r"""Table that folds what a lexical score need not tell apart.

    Returns
    -------
    ndarray of uint32, shape (1114112,)
        Entry ``c`` is the lower case of code point ``c`` where that is one code point, ``ord("0")``
        for decimal digits of every script, a space for white space and controls, else ``c``.

    Examples
    --------
    >>> [chr(fold_table()[ord(c)]) for c in "AÉ٣\t"]
    ['a', 'é', '0', ' ']
    """
    table = np.arange(_N_CODE_POINTS, dtype=np.uint32)
    with np.load(_TABLE_FILE, allow_pickle=False) as stored:
        table[stored["upper"]] = stored["lower"]
        table[stored["digits"]] = ord("0")
    table[np.isin(class_table(), (CLASSES.index("space"), CLASSES.index("control")))] = ord(" ")
    table.flags.writeable = False
    return table


def _scan_unicode() -> npt.NDArray[np.uint8]:
    index = {name: i for i, name in enumerate(CLASSES)}
    table = np.zeros(_N_CODE_POINTS, np.uint8)
    for code_point in range(_N_CODE_POINTS):
        category = unicodedata.category(chr(code_point))
        table[code_point] = index[_BY_CATEGORY.get(category, "other")]
    for low, high in _WIDE:
        table[low : high + 1][table[low : high + 1] == index["uncased"]] = index["wide"]
    for characters, name in _EXPLICIT:
        table[[ord(c) for c in characters]] = index[name]
    table[[ord(c) for c in "\t\n\r\v\f\x85"]] = index["space"]
    return table


def _main() -> None:
    table = _scan_unicode()
    starts = np.flatnonzero(np.diff(table, prepend=255)).astype(np.uint32)
    lowered = {c: chr(c).lower() for c in range(_N_CODE_POINTS)}
    pairs = [(c, ord(low)) for c, low in lowered.items() if len(low) == 1 and ord(low) != c]
    digits = [c for c in range(_N_CODE_POINTS) if unicodedata.category(chr(c)) == "Nd"]
    upper, lower = np.array(pairs, np.uint32).T
    np.savez_compressed(
        _TABLE_FILE, starts=starts, classes=table[starts], upper=upper, lower=lower,
        digits=np.array(digits, np.uint32),
    )  # fmt: skip


if __name__ == "__main__":
    _main()
