import itertools
from dataclasses import replace

import numpy as np
import pytest

from conftest import only
from dechrome.training.augmentation import Mix, augment_documents
from dechrome.training.corpus import Document
from dechrome.training.shapes import SHAPES


def draw(documents, shape, n=200):
    indices, ptr, *_ = augment_documents(documents, n, only(shape), np.random.default_rng(0))
    labels = np.array([label or "unknown" for d in documents for label in d.labels])
    owner = np.repeat(np.arange(len(documents)), [len(d.paragraphs) for d in documents])
    return [
        (indices[a:b], labels[indices[a:b]], owner[indices[a:b]])
        for a, b in zip(ptr[:-1], ptr[1:], strict=True)
    ]


def test_the_shapes_are_those_of_the_mix():
    assert set(SHAPES) < set(Mix.__dataclass_fields__)


def test_full_pages_are_whole(seed_documents):
    sizes = {len(d.paragraphs) for d in seed_documents}
    for rows, _, owner in draw(seed_documents, "full_page", 50):
        assert len(set(owner)) == 1
        assert np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows)))
        assert len(rows) in sizes


def test_part_of_chrome_keeps_all_content_in_order(seed_documents):
    for rows, labels, owner in draw(seed_documents, "part_of_chrome"):
        assert (np.diff(rows) > 0).all()
        if len(owner):
            assert (labels == "content").sum() == seed_documents[owner[0]].labels.count("content")


def test_short_articles_keep_at_most_four_content_paragraphs_and_all_chrome(seed_documents):
    for _, labels, owner in draw(seed_documents, "short_article"):
        document = seed_documents[owner[0]]
        assert (labels == "chrome").sum() == document.labels.count("chrome")
        heads = document.kinds.count("headline")
        assert (labels == "content").sum() <= max(3, 3 + heads)


def test_interrupted_articles_lose_nothing(seed_documents):
    for rows, labels, owner in draw(seed_documents, "interrupted"):
        content = rows[labels == "content"]
        assert (np.diff(content) > 0).all()
        assert len(content) == seed_documents[owner[0]].labels.count("content")


def test_a_line_that_interrupts_an_article_does_not_tell_what_precedes_it(seed_documents):
    """One after content alone would give captions and teasers away."""
    before, n_interrupted = [], 0
    for rows, labels, _ in draw(seed_documents, "interrupted"):
        line, n = max(zip(*np.unique(rows, return_counts=True), strict=True), key=lambda found: found[1])
        if n > 3:
            before += labels[:-1][rows[1:] == line].tolist()
            n_interrupted += 1
    # Once in a document it is what stands before the line on the page itself.
    assert before.count("chrome") > 2 * n_interrupted < before.count("content")


def test_busy_pages_hold_the_page_in_order_and_runs_of_chrome_of_its_language(seed_documents):
    sizes = [len(d.paragraphs) for d in seed_documents]
    languages = np.array([d.language for d in seed_documents])
    is_grown = 0
    for rows, labels, owner in draw(seed_documents, "busy_page"):
        (own,) = set(owner[labels == "content"])
        start = sum(sizes[:own])
        of_page = np.isin(rows, np.arange(start, start + sizes[own]))
        _, first = np.unique(rows[of_page], return_index=True)
        assert len(first) == sizes[own]
        assert set(labels[~of_page]) <= {"chrome"}
        assert len(set(languages[owner])) == 1
        is_grown += len(rows) > sizes[own]
        content = rows[labels == "content"]
        assert (np.diff(content) > 0).all()
    assert is_grown > 150


def test_synthetic_pages_can_be_busy_too(seed_documents):
    news = Document(
        "ntrex/x/1", "ntrex", "ntrex/1", seed_documents[0].language, "news", "train", "", ["A title", "A text."],
        ["content"] * 2, ["headline", "body"], [],
    )  # fmt: skip
    phrases = replace(
        news, document_id="phrases/x/1", source="phrases", labels=["chrome"] * 2, kinds=["navigation"] * 2
    )
    documents = [*seed_documents, news, phrases]
    indices, ptr, *_ = augment_documents(documents, 400, Mix(seeds=0, synthetic=1), np.random.default_rng(0))
    n_rows = sum(len(d.paragraphs) for d in seed_documents)
    with_runs = 0
    for a, b in zip(ptr[:-1], ptr[1:], strict=True):
        assert (indices[a:b] >= n_rows).any()
        with_runs += (indices[a:b] < n_rows).any()
    assert 100 < with_runs < 350


def test_portal_pages_show_titles_and_leads_of_other_articles_around_their_own(seed_documents):
    documents = [replace(d, language="en") for d in seed_documents]
    owner = np.repeat(np.arange(len(documents)), [len(d.paragraphs) for d in documents])
    kinds = np.array([kind for d in documents for kind in d.kinds])
    drawn = augment_documents(documents, 200, only("portal_page"), np.random.default_rng(0))
    assert drawn.is_teaser.sum() > 1000
    for a, b in zip(drawn.doc_ptr[:-1], drawn.doc_ptr[1:], strict=True):
        rows, is_teaser = drawn.indices[a:b], drawn.is_teaser[a:b]
        own = rows[~is_teaser]
        assert np.array_equal(own, np.arange(own[0], own[0] + len(documents[owner[own[0]]].paragraphs)))
        assert set(kinds[rows[is_teaser]]) <= {"headline", "body"}
        assert owner[own[0]] not in owner[rows[is_teaser]]
        content = np.flatnonzero(~is_teaser & np.isin(kinds[rows], ("headline", "body")))
        if len(content):
            assert not is_teaser[content[0] : content[-1] + 1].any()


def test_a_portal_is_of_one_language_and_a_lead_follows_its_title(seed_documents, monkeypatch):
    monkeypatch.setattr(
        "dechrome.training.shapes._PORTAL_RUNS", 1
    )  # a title may end one, a lead begin the next
    owner = np.repeat(np.arange(len(seed_documents)), [len(d.paragraphs) for d in seed_documents])
    language = np.array([d.language for d in seed_documents])[owner]
    kinds = np.array([kind for d in seed_documents for kind in d.kinds])
    indices, ptr, _, is_teaser = augment_documents(
        seed_documents, 200, only("portal_page"), np.random.default_rng(0)
    )
    shown = set()
    for a, b in zip(ptr[:-1], ptr[1:], strict=True):
        assert len(set(language[indices[a:b]])) == 1
        run = indices[a:b][is_teaser[a:b]]
        for row, following in itertools.pairwise(run):
            shown.add((kinds[row], kinds[following], owner[row] == owner[following]))
    assert ("headline", "body", True) in shown
    assert ("headline", "body", False) not in shown


def test_a_document_set_again_is_no_teaser_of_itself(seed_documents):
    articles = [d for d in seed_documents if {"headline", "body"} <= set(d.kinds)][:20]
    documents = [replace(d, language="en") for d in (*articles, *articles)]
    texts = [text for d in documents for text in d.paragraphs]
    owner = np.repeat(np.arange(len(documents)), [len(d.paragraphs) for d in documents])
    drawn = augment_documents(documents, 300, only("portal_page"), np.random.default_rng(0))
    assert drawn.is_teaser.any()
    for a, b in zip(drawn.doc_ptr[:-1], drawn.doc_ptr[1:], strict=True):
        rows, is_teaser = drawn.indices[a:b], drawn.is_teaser[a:b]
        own = documents[owner[rows[~is_teaser][0]]]
        assert {texts[i] for i in rows[is_teaser]}.isdisjoint(own.paragraphs)


@pytest.mark.parametrize(("n", "has_portals"), [(3, False), (4, True)])
def test_a_language_of_few_articles_has_no_portal(seed_documents, n, has_portals):
    english = [d for d in seed_documents if "headline" in d.kinds and "body" in d.kinds][:n]
    assert {d.language for d in english} == {"en"}
    drawn = augment_documents(english, 50, only("portal_page"), np.random.default_rng(0))
    assert drawn.is_teaser.any() == has_portals


def test_a_section_front_is_no_portal_page(seed_documents):
    fronts = [replace(d, genre="listing") for d in seed_documents]
    drawn = augment_documents(fronts, 50, only("portal_page"), np.random.default_rng(0))
    assert not drawn.is_teaser.any()


def test_leftovers_of_another_language_come_from_another_document(seed_documents):
    mixed = [owner for _, _, owner in draw(seed_documents, "leftovers_other_language") if len(set(owner)) > 1]
    assert len(mixed) > 100
    for owner in mixed:
        assert len({seed_documents[d].language for d in set(owner)}) == 2


@pytest.mark.parametrize(("shape", "expected"), [("article_only", {"content"}), ("chrome_only", {"chrome"})])
def test_one_sided_shapes(seed_documents, shape, expected):
    assert {label for _, labels, _ in draw(seed_documents, shape) for label in labels} == expected


def test_single_paragraphs_are_single_and_of_both_labels(seed_documents):
    drawn = draw(seed_documents, "single_paragraph")
    assert {len(rows) for rows, _, _ in drawn} == {1}
    share = np.mean([labels[0] == "content" for _, labels, _ in drawn])
    assert 0.35 < share < 0.65


def test_news_and_phrases_make_synthetic_pages():
    news = Document(
        "n",
        "ntrex",
        "n",
        "de",
        "news",
        "train",
        "",
        ["Titel", "Text."],
        ["content"] * 2,
        ["headline", "body"],
        [],
    )
    phrases = Document(
        "p", "phrases", "p", "de", "phrases", "train", "", ["Teilen"] * 5, ["chrome"] * 5, ["social"] * 5, []
    )
    seed = Document(
        "s", "seeds", "s", "en", "x", "train", "", ["a", "b"], ["content", "chrome"], ["body", "other"], []
    )
    mix = Mix(
        **dict.fromkeys(("fundus", "daniel", "wcxb", "readability", "trafilatura", "seeds"), 0.0),
        synthetic=1.0,
    )
    indices, ptr, *_ = augment_documents([news, phrases, seed], 60, mix, np.random.default_rng(0))
    pages = [set(indices[a:b].tolist()) for a, b in zip(ptr[:-1], ptr[1:], strict=True)]
    assert all(page & {0, 1} for page in pages)
    assert sum(bool(page & set(range(2, 7))) for page in pages) > 30


def test_the_same_seed_draws_the_same(seed_documents):
    first = augment_documents(seed_documents, 100, Mix(), np.random.default_rng(5))
    second = augment_documents(seed_documents, 100, Mix(), np.random.default_rng(5))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_corpus_without_pages_is_refused():
    news = Document("n", "ntrex", "n", "de", "news", "train", "", ["Text."], ["content"], ["body"], [])
    with pytest.raises(ValueError, match="no page or seed"):
        augment_documents([news], 3, Mix(), np.random.default_rng(0))
