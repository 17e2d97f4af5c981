from dataclasses import replace

import numpy as np
import pytest

from conftest import only
from dechrome.context import ContextInputs
from dechrome.labels import KINDS, SCORES
from dechrome.model import CONTEXT_PASS_INPUTS, FIRST_PASS_INPUTS
from dechrome.scoring import Net
from dechrome.training.augmentation import Mix
from dechrome.training.config import TrainingConfig
from dechrome.training.context_training import Lessons, _ask_strangers, _draw_batches, fit_context_passes
from dechrome.training.net_training import NetTrainer

CONFIG = TrainingConfig(n_documents=60, batch_size=200, context_epochs=2, context_width=4, n_averaged=2)


@pytest.fixture
def lessons(seed_documents):
    """Chance inputs for a few documents; those of a language unseen are ones, the others noughts."""
    documents = seed_documents[:12]
    sizes = [len(document.paragraphs) for document in documents]
    n, half = sum(sizes), np.repeat(np.arange(len(sizes)) % 2, sizes).astype(np.int8)
    rng = np.random.default_rng(0)
    ones = np.ones((n, len(FIRST_PASS_INPUTS)), np.float32)
    P = rng.dirichlet(np.ones(len(KINDS)), n).astype(np.float32)
    kinds = [KINDS.index(kind) for document in documents for kind in document.kinds]
    length = rng.uniform(1, 6, n).astype(np.float32)
    likelihood = rng.integers(-2000, 2000, (n, 3)).astype(np.int16)
    inputs = ContextInputs(length, np.ones(n, np.float32), likelihood, np.full(n, 20), np.arange(n))
    return Lessons(
        documents, half, np.array(kinds, np.int8), np.ones(n, np.float32), {True: ones, False: 0 * ones},
        {True: P, False: P}, inputs,
    )  # fmt: skip


def draw(lessons, config):
    return list(_draw_batches(lessons, config.n_documents, config, np.random.default_rng(1)))


def test_every_document_drawn_is_in_one_batch(lessons):
    batches = draw(lessons, CONFIG)
    assert sum(len(batch.doc_ptr) - 1 for batch, _ in batches) == CONFIG.n_documents
    for batch, _ in batches:
        assert batch.doc_ptr[0] == 0
        assert batch.X.shape == (batch.doc_ptr[-1], len(CONTEXT_PASS_INPUTS[0]))
        assert batch.target.shape == (len(batch.X), len(KINDS))
    done = [share for _, share in batches]
    assert done == sorted(done)
    assert done[0] == 0
    assert done[-1] < 1


def test_what_teases_another_article_is_taught_as_chrome(lessons):
    lessons = replace(lessons, documents=[replace(d, language="en") for d in lessons.documents])
    taught = {}
    for shape in ("full_page", "portal_page"):
        batches = draw(lessons, replace(CONFIG, mix=only(shape)))
        taught[shape] = sum(batch.target.sum(axis=0) for batch, _ in batches)
    related, headline = KINDS.index("related"), KINDS.index("headline")
    assert taught["portal_page"][related] > 2 * taught["full_page"][related]
    ratio = taught["portal_page"][headline] / taught["full_page"][headline]
    assert ratio == pytest.approx(1, abs=0.2)


def test_rows_of_short_documents_weigh_more(lessons):
    for batch, _ in draw(lessons, CONFIG):
        sizes = np.repeat(np.diff(batch.doc_ptr), np.diff(batch.doc_ptr))
        assert batch.weight == pytest.approx(1 / (20 + sizes))


@pytest.mark.parametrize("foreign", [0.0, 1.0])
def test_whole_documents_are_scored_as_of_a_language_unseen(lessons, foreign):
    drawn = draw(lessons, replace(CONFIG, mix=Mix(foreign=foreign)))
    assert all((batch.X[:, : len(FIRST_PASS_INPUTS) - len(SCORES)] == foreign).all() for batch, _ in drawn)


def test_each_net_learns_from_documents_of_its_own(lessons):
    told = []
    (first,), (one, other) = fit_context_passes(lessons, CONFIG, 1, told.append)
    assert [len(net.weights[0]) for net in (first, one)] == [len(names) for names in CONTEXT_PASS_INPUTS]
    assert not np.array_equal(one.weights[0], other.weights[0])
    assert first.dilations == one.dilations == CONFIG.dilations
    width = CONFIG.context_width  # the first sees the plain mean alone, the second that by attention too
    assert [len(net.weights[2]) for net in (first, one, other)] == [4 * width, 5 * width, 5 * width]
    assert len(told) == (3 + CONFIG.n_averaged) * CONFIG.context_epochs
    assert "second pass in context, net 2 of 2, epoch 2 of 2, loss" in told[-1]


def test_nets_fitted_at_a_time_are_those_fitted_in_turn(lessons):
    in_turn, at_a_time = (fit_context_passes(lessons, CONFIG, n_jobs, lambda _: None) for n_jobs in (1, 3))
    for one, other in zip(sum(in_turn, ()), sum(at_a_time, ()), strict=True):
        for mine, others in zip((*one.weights, *one.biases), (*other.weights, *other.biases), strict=True):
            assert np.array_equal(mine, others)


def saying(kind):
    """A net that calls every paragraph so."""
    weights = [np.zeros((len(CONTEXT_PASS_INPUTS[0]), 1), np.float32), np.zeros((1, len(KINDS)), np.float32)]
    return Net(weights, [np.zeros(1, np.float32), 50 * np.eye(len(KINDS), dtype=np.float32)[kind]])


def test_the_second_pass_learns_from_a_net_that_has_not_seen_the_site(lessons):
    lessons = replace(lessons, strangers=(saying(3), saying(7)), target=lessons.half)
    first = CONTEXT_PASS_INPUTS[1].index(f"before_{KINDS[0]}")
    for batch, _ in draw(lessons, replace(CONFIG, mix=Mix(portal_page=0))):
        said = batch.X[:, first : first + len(KINDS)].argmax(axis=1)
        assert said.tolist() == np.where(batch.target[:, 1] == 1, 7, 3).tolist()


def test_a_stranger_judges_whole_documents_and_none_in_vain():
    class Total(Net):  # says of each row how much its document attends to, so many times
        def predict_proba(self, X, doc_ptr=None, attention=None):
            asked.append(len(doc_ptr) - 1)
            owner = np.repeat(np.arange(asked[-1]), np.diff(doc_ptr))
            total = self.biases[0] * np.bincount(owner, X[:, 0] * attention)
            return np.repeat(total[owner][:, None], len(KINDS), axis=1)

    asked = []
    X = np.arange(8, dtype=np.float32)[:, None]
    half, doc_ptr = np.array([0, 0, 1, 0, 1, 1, 1, 1], np.int8), np.array([0, 2, 2, 4, 6, 8, 8])
    strangers = Total([X, X], [1, 1]), Total([X, X], [10, 1])
    said = _ask_strangers(strangers, half, X, doc_ptr, np.full(8, 2, np.float32))
    assert said[:, 3].tolist() == [2, 2, 100, 10, 180, 180, 260, 260]
    assert asked == [2, 3]


def test_attention_goes_to_what_the_pass_before_says(lessons):
    first_pass = [batch.attention for batch, _ in draw(lessons, CONFIG)]
    content, chrome = (
        [batch.attention for batch, _ in draw(replace(lessons, strangers=(saying(kind),) * 2), CONFIG)]
        for kind in (KINDS.index("body"), KINDS.index("cookie"))
    )
    assert all((attention > 1).all() for attention in content)
    assert all((attention < 0.01).all() for attention in chrome)
    assert not any(map(np.array_equal, first_pass, content))


def test_the_trainer_is_told_the_attention(lessons, monkeypatch):
    told = []
    step = NetTrainer.step

    def spy(self, X, target, weight, rate, doc_ptr=None, attention=None):
        told.append(attention)
        return step(self, X, target, weight, rate, doc_ptr, attention)

    monkeypatch.setattr(NetTrainer, "step", spy)
    fit_context_passes(lessons, replace(CONFIG, n_averaged=1), 1, lambda _: None)
    assert told
    assert all(attention.min() > 0 for attention in told)


@pytest.mark.parametrize("half", [0, 1])
def test_lessons_of_the_other_half(lessons, half):
    others = lessons.without(half)
    assert list(others.documents) == list(lessons.documents[1 - half :: 2])
    assert len(others.target) == sum(len(document.paragraphs) for document in others.documents)
    assert set(others.half.tolist()) == {1 - half}
    assert others.target.tolist() == lessons.target[lessons.half != half].tolist()


def test_a_half_without_pages_leaves_the_net_that_has_seen_all(lessons):
    told = []
    fit_context_passes(replace(lessons, half=0 * lessons.half), CONFIG, 1, told.append)
    assert len(told) == (2 + CONFIG.n_averaged) * CONFIG.context_epochs
