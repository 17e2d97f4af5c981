from dataclasses import replace

import numpy as np
import pytest

from dechrome.training.restyling import restyle_documents

PROSE = (
    "The ferry left at noon, as always, and nobody on the quay waved. “It never comes back on time!” "
    "said a baker. By dusk it had."
)


@pytest.fixture
def page(seed_documents):
    return replace(
        seed_documents[0],
        paragraphs=[
            "The Ferry That Everyone On The Island Waits For",
            PROSE,
            "Home",
            "Sport",
            "Letters",
            PROSE,
        ],
        labels=["content", "content", "chrome", "chrome", "chrome", "chrome"],
        kinds=["headline", "body", "navigation", "navigation", "navigation", "related"],
        read=[1],
    )


def in_style(name, page, random_state):
    (found,) = restyle_documents([page], 1.0, np.random.default_rng(random_state), [name])
    return found


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (
            "a sentence a line",
            [
                "The ferry left at noon, as always, and nobody on the quay waved.",
                "“It never comes back on time!” said a baker.",
                "By dusk it had.",
            ],
        ),
        (
            "sentences without their full stop",
            [
                "The ferry left at noon, as always, and nobody on the quay waved",
                "“It never comes back on time!” said a baker",
                "By dusk it had",
            ],
        ),
        ("lower case", [PROSE.lower().rstrip(".")]),
        ("upper case", [PROSE.upper()]),
    ],
)
def test_prose_is_set_again_and_keeps_its_label(style, expected, page):
    found = in_style(style, page, 0)
    body = [text for text, kind in zip(found.paragraphs, found.kinds, strict=True) if kind == "body"]
    assert body == expected
    assert found.paragraphs[0] == page.paragraphs[0]
    assert found.site == page.site
    assert found.read == []
    assert found.labels.count("content") == 1 + len(expected)


def test_the_chrome_is_set_again_in_some_documents_and_not_in_others(page):
    chrome = {in_style("upper case", page, random_state).paragraphs[-1] for random_state in range(20)}
    assert chrome == {PROSE, PROSE.upper()}


def test_clauses_of_scripts_without_spaces_are_lines(page):
    chinese = replace(page, paragraphs=["標題", "楓紅期間，入園費每人五十元，停車免費。山路狹窄，下雨天請小心慢行，別趕路！"],
                      labels=["content"] * 2, kinds=["headline", "body"], read=[])  # fmt: skip
    assert in_style("a clause a line, without punctuation", chinese, 0).paragraphs[1:] == [
        chinese.paragraphs[1]
    ]
    longer = replace(chinese, paragraphs=["標題", chinese.paragraphs[1] * 2])
    assert in_style("a clause a line, without punctuation", longer, 0).paragraphs[1:4] == [
        "楓紅期間", "入園費每人五十元", "停車免費",
    ]  # fmt: skip


def test_short_lines_of_one_kind_are_joined(page):
    seen = {tuple(in_style("short lines joined", page, i).paragraphs[2:-1]) for i in range(60)}
    assert ("Home | Sport | Letters",) in seen
    assert ("Home", "Sport", "Letters") in seen
    assert all("".join(lines).startswith("Home") for lines in seen)
    assert in_style("short lines joined", page, 0).paragraphs[:2] == page.paragraphs[:2]


def test_a_share_of_pages_and_seeds_is_set_again_and_no_news(seed_documents):
    news = [replace(document, source="ntrex") for document in seed_documents]
    assert restyle_documents(news, 1.0, np.random.default_rng(0)) == []
    assert restyle_documents(seed_documents, 0.0, np.random.default_rng(0)) == []
    found = restyle_documents(seed_documents, 0.5, np.random.default_rng(0))
    assert 0.3 < len(found) / len(seed_documents) < 0.7
    for document in found:
        assert len(document.paragraphs) == len(document.labels) == len(document.kinds)
        assert all(text.strip() for text in document.paragraphs)


def letters_of(paragraphs):
    """Without their case; upper case makes one of the Turkish dotless i and the other."""
    return "".join(c for c in "".join(paragraphs).casefold().replace("ı", "i") if c.isalnum())


def test_no_text_is_lost(seed_documents):
    for document in restyle_documents(seed_documents, 1.0, np.random.default_rng(1)):
        original = next(d for d in seed_documents if document.document_id.startswith(d.document_id))
        assert letters_of(document.paragraphs) == letters_of(original.paragraphs)
