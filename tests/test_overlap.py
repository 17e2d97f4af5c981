import numpy as np
import pytest

from dechrome.batch import GRAM_BITS, Batch
from dechrome.overlap import compute_overlap, longest_grams

ARTICLE = [
    "Norrvik lighthouse opens",
    "The lighthouse of Norrvik was opened to visitors on Monday.",
    "Visitors climb a narrow stair; Norrvik expects many of them.",
    "Zebra breeding: nine facts",
]


def overlap_of(paragraphs, p, doc_ptr=None):
    batch = Batch(paragraphs, doc_ptr)
    grams, ptr = longest_grams(batch)
    rarity = np.full(1 << GRAM_BITS, 10, np.uint8)
    return compute_overlap(grams, ptr, rarity, np.array(p, np.float32), batch.doc_ptr)


def test_the_headline_shares_more_with_the_article_than_a_strange_title():
    overlap = overlap_of(ARTICLE, [0.2, 0.9, 0.9, 0.2])
    assert overlap[0] > 3 * overlap[3]
    assert ((overlap >= 0) & (overlap <= 1)).all()


def test_a_paragraph_does_not_overlap_with_itself():
    assert overlap_of(["Only paragraph of the article", "%%%"], [0.9, 0.1])[0] == 0


def test_by_definition():
    paragraphs, p = [*ARTICLE, ARTICLE[1], ""], [0.2, 0.9, 0.9, 0.2, 0.1, 0.6]
    grams, ptr = longest_grams(Batch(paragraphs))
    sets = [set(grams[a:b].tolist()) for a, b in zip(ptr[:-1], ptr[1:], strict=True)]
    for i, found in enumerate(overlap_of(paragraphs, p)):
        others = set().union(*(s for j, s in enumerate(sets) if j != i and p[j] >= 0.5))
        mine = grams[ptr[i] : ptr[i + 1]].tolist()
        assert found == pytest.approx(sum(g in others for g in mine) / len(mine))


def test_documents_do_not_see_each_other():
    p = [0.2, 0.9, 0.9, 0.2]
    together = overlap_of(ARTICLE * 2, p * 2, [0, 4, 8])
    assert np.array_equal(together[:4], overlap_of(ARTICLE, p))
    assert np.array_equal(together[4:], together[:4])
