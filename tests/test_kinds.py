from dataclasses import replace

import numpy as np

from dechrome.labels import KINDS
from dechrome.training.kinds import refine_kinds, trusted_rows
from dechrome.training.table import tabulate

RELATED, NAVIGATION = KINDS.index("related"), KINDS.index("navigation")


def unread(documents, kind):
    """The same documents, their chrome marked with one kind by markup, none of it read."""
    kinds = [
        [kind if label == "chrome" else k for label, k in zip(d.labels, d.kinds, strict=True)]
        for d in documents
    ]
    return [replace(d, source="wcxb", kinds=k, read=[]) for d, k in zip(documents, kinds, strict=True)]


def test_what_was_read_is_kept(seed_documents):
    table = tabulate(seed_documents[:20])
    P = np.full((len(table.paragraphs), len(KINDS)), 1 / len(KINDS), np.float32)
    assert np.array_equal(refine_kinds(table, P), table.kind)
    assert len(trusted_rows(table)) == (table.is_content == 0).sum()


def test_where_markup_says_nothing_the_net_decides(seed_documents):
    table = tabulate(unread(seed_documents[:20], None))
    P = np.zeros((len(table.paragraphs), len(KINDS)), np.float32)
    P[:, RELATED] = 1
    refined = refine_kinds(table, P)
    assert set(refined[table.is_content == 0].tolist()) == {RELATED}
    assert np.array_equal(refined[table.is_content == 1], table.kind[table.is_content == 1])


def test_where_the_net_is_unsure_markup_decides(seed_documents):
    half = len(seed_documents) // 2
    mixed = unread(seed_documents[:half], "navigation") + unread(seed_documents[half:], "related")
    table = tabulate(mixed)
    P = np.full((len(table.paragraphs), len(KINDS)), 1 / len(KINDS), np.float32)
    refined, chrome = refine_kinds(table, P), table.is_content == 0
    assert np.array_equal(refined[chrome], table.kind[chrome])


def test_unknown_paragraphs_stay_unknown(seed_documents):
    hidden = [
        replace(d, labels=[None] * len(d.labels), kinds=[None] * len(d.kinds), read=[])
        for d in seed_documents[:3]
    ]
    table = tabulate(hidden)
    P = np.full((len(table.paragraphs), len(KINDS)), 1 / len(KINDS), np.float32)
    assert set(refine_kinds(table, P).tolist()) == {-1}
