import numpy as np
import pytest

from dechrome.batch import Batch
from dechrome.labels import FAVORS, KINDS
from dechrome.model import Calibration, _cut_long_documents, choose_kinds

BODY, HEADLINE, RELATED = (KINDS.index(kind) for kind in ("body", "headline", "related"))
CALIBRATION = Calibration(
    lone_shift=-0.4, lifted_best={"precision": 1.5, "balanced": 0.2, "recall": 0.2}, least_paragraphs=5
)


def page(*paragraphs):
    """P and log_length of paragraphs given as (kind, its probability, length); the rest is related."""
    P = np.zeros((len(paragraphs), len(KINDS)), np.float32)
    for row, (kind, p, _) in zip(P, paragraphs, strict=True):
        row[RELATED] = 1 - p
        row[kind] += p
    return P, np.log1p(np.array([length for *_, length in paragraphs], np.float32))


MENU = [(BODY, 0.01, 12)] * 5


def apply(*paragraphs, calibration=CALIBRATION, favor="balanced"):
    P, log_length = page(*paragraphs)
    return calibration.apply(P, log_length, np.array([0, len(P)]), favor)


def sigmoid(score):
    return 1 / (1 + np.exp(-score))


def test_slope_and_intercept_move_log_odds():
    p = apply((BODY, 0.5, 200), calibration=Calibration(slope=2.0, intercept=1.0))
    assert p == pytest.approx(sigmoid(1), abs=1e-5)


@pytest.mark.parametrize("favor", FAVORS)
def test_a_page_on_which_nothing_is_sure_is_lifted_by_its_likeliest_body(favor):
    p = apply((HEADLINE, 0.2, 40), (BODY, 0.3, 300), *MENU, favor=favor)
    assert p[1] == pytest.approx(sigmoid(CALIBRATION.lifted_best[favor]), abs=1e-4)
    assert 0.2 < p[0] < p[1]
    assert p[2:].max() < 0.1


def test_a_paragraph_that_is_the_whole_document_is_shifted_and_no_other():
    two = [(BODY, 0.5, 200), (BODY, 0.5, 200)]
    assert apply(*two) == pytest.approx([0.5, 0.5], abs=1e-5)
    assert apply(two[0]) == pytest.approx(sigmoid(CALIBRATION.lone_shift), abs=1e-5)
    P, log_length = page(*two, two[0])
    together = CALIBRATION.apply(P, log_length, np.array([0, 1, 1, 3]))
    assert np.array_equal(together, np.concatenate([apply(two[0]), apply(*two)]))


def test_a_short_line_lifts_less_than_a_longer_paragraph():
    p = apply((BODY, 0.4, 20), (BODY, 0.3, 300), *MENU)
    assert p[1] == pytest.approx(sigmoid(CALIBRATION.lifted_best["balanced"]), abs=1e-4)


@pytest.mark.parametrize(
    "paragraphs",
    [
        pytest.param([(BODY, 0.3, 300), (BODY, 0.3, 300)], id="few paragraphs"),
        pytest.param([(BODY, 0.9, 300), *MENU], id="one is sure"),
        pytest.param([(BODY, 0.02, 300), *MENU], id="none comes near"),
    ],
)
def test_other_pages_are_left_as_they_are(paragraphs):
    assert apply(*paragraphs) == pytest.approx([p for _, p, _ in paragraphs], abs=1e-5)


def test_pages_of_a_batch_are_lifted_each_for_itself():
    unsure, sure = [(BODY, 0.3, 300), *MENU], [(BODY, 0.9, 300), *MENU]
    P, log_length = page(*unsure, *sure)
    together = CALIBRATION.apply(P, log_length, np.array([0, 6, 6, 12]))
    assert np.array_equal(together, np.concatenate([apply(*unsure), apply(*sure)]))


def test_the_kind_is_the_likeliest_within_the_label():
    P, _ = page((BODY, 0.4, 50), (BODY, 0.4, 50))
    assert choose_kinds(P, np.array([True, False])).tolist() == [BODY, RELATED]


def batch_of(documents):
    ptr = np.concatenate([[0, 0], np.cumsum([len(d.paragraphs) for d in documents])])
    return Batch([text for d in documents for text in d.paragraphs], ptr)


def test_documents_judged_in_parts_have_the_same_bits(toy_model, seed_documents, monkeypatch):
    documents = seed_documents[:6]
    at_once = toy_model.score(batch_of(documents))
    longest = max(len(d.paragraphs) for d in documents)
    assert len(at_once[1]) > 2 * longest
    monkeypatch.setattr("dechrome.model._MOST_ROWS", longest)
    in_parts = toy_model.score(batch_of(documents))
    assert all(np.array_equal(a, b) for a, b in zip(in_parts, at_once, strict=True))


def test_the_nets_are_told_what_draws_attention(toy_model, seed_documents, monkeypatch):
    batch = batch_of(seed_documents[:6])
    P, _ = toy_model.score(batch)
    monkeypatch.setattr("dechrome.scoring.relative_attention", lambda attention, _: np.ones_like(attention))
    assert not np.array_equal(toy_model.score(batch)[0], P)


@pytest.mark.parametrize("rows", [1, 5, 37])
def test_a_document_too_long_for_the_nets_is_cut_alike_in_any_batch(
    toy_model, seed_documents, monkeypatch, rows
):
    documents = sorted(seed_documents, key=lambda document: len(document.paragraphs))[-6:]
    uncut = toy_model.score(batch_of(documents))
    monkeypatch.setattr("dechrome.model._MOST_ROWS", rows)
    P, p = toy_model.score(batch_of(documents))
    alone = [toy_model.score(batch_of([document])) for document in documents]
    assert np.array_equal(P, np.concatenate([found for found, _ in alone]))
    assert np.array_equal(p, np.concatenate([found for _, found in alone]))
    assert not np.array_equal(P, uncut[0])


def test_long_documents_are_cut_into_even_parts(monkeypatch):
    monkeypatch.setattr("dechrome.model._MOST_ROWS", 4)
    ptr = np.array([0, 4, 4, 9, 10, 18])
    assert _cut_long_documents(ptr).tolist() == [0, 4, 6, 9, 10, 14, 18]
    assert _cut_long_documents(np.array([0])).tolist() == [0]
