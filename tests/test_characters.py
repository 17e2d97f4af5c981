import unicodedata

import pytest

from dechrome.characters import CLASSES, _scan_unicode, class_table, fold_table


def class_of(character):
    return CLASSES[class_table()[ord(character)]]


@pytest.mark.parametrize(
    ("characters", "expected"),
    [
        ("AÄЖΩ", "upper"),
        ("aäжω", "lower"),
        ("अขاא", "uncased"),
        ("中あア한", "wide"),
        ("19٣५", "digit"),
        (".!?。！？।؟።", "terminal"),
        (",，、،", "comma"),
        ("|·•»", "divider"),
        ("©®™", "sign"),
        ("€$¥₹", "currency"),
        ("🙂→★"[:1], "symbol"),
        ("\u00a0\n\t", "space"),
    ],
)
def test_class_of_characters(characters, expected):
    assert {class_of(c) for c in characters} == {expected}


def test_stored_table_is_the_scan_where_unicode_versions_agree():
    scanned, stored = _scan_unicode(), class_table()
    differing = {unicodedata.category(chr(c)) for c in (scanned != stored).nonzero()[0].tolist()}
    # Another Python may know newer characters; none of those known to both may differ.
    assert len(stored) == 0x110000
    assert (scanned != stored).mean() < 0.02, differing


def test_fold_lowers_case_and_unites_digits():
    folded = "".join(chr(fold_table()[ord(c)]) for c in "Straße 2024 ٣ ÀЖ\t")
    assert folded == "straße 0000 0 àж "
