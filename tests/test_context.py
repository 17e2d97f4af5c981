import numpy as np
import pytest

from dechrome.context import CONTEXT, STRETCHES, Context, ContextInputs
from dechrome.labels import KINDS


@pytest.fixture
def documents():
    """Probabilities, inputs and bounds of four documents, one of them empty; 40 distinct texts."""
    rng = np.random.default_rng(3)
    ptr = np.array([0, 7, 7, 8, 60])
    n = int(ptr[-1])
    P = rng.dirichlet(np.ones(len(KINDS)), n).astype(np.float32)
    inputs = ContextInputs(
        log_length=rng.uniform(1, 6, 40).astype(np.float32),
        closed_sentence=rng.integers(0, 2, 40).astype(np.float32),
        likelihood=rng.integers(-2000, 2000, (40, 5)).astype(np.int16),
        n_trigrams=rng.integers(4, 65, 40),
        text_ids=rng.integers(0, 40, n),
    )
    return P, inputs, ptr


def compute_context(P, inputs, ptr, rows=None):
    rows = np.arange(len(P)) if rows is None else rows
    C = np.empty((len(rows), len(CONTEXT) + len(STRETCHES)), np.float32)
    context = Context(inputs, ptr, P)
    context.columns(rows, C[:, : len(CONTEXT)])
    context.stretches(rows, C[:, len(CONTEXT) :])
    return C


def part(documents, d):
    P, inputs, ptr = documents
    rows = np.arange(ptr[d], ptr[d + 1])
    return P[rows], inputs.take(rows), np.array([0, len(rows)])


@pytest.mark.parametrize("d", [0, 2, 3])
def test_context_never_crosses_documents_and_is_exact(documents, d):
    together = compute_context(*documents)
    alone = compute_context(*part(documents, d))
    a, b = documents[-1][d], documents[-1][d + 1]
    assert np.array_equal(together[a:b], alone)


def test_some_rows_are_rows_of_all(documents):
    rows = np.array([0, 6, 7, 30, 59])
    assert np.array_equal(compute_context(*documents, rows), compute_context(*documents)[rows])


def column(C, name):
    return C[:, (*CONTEXT, *STRETCHES).index(name)]


def test_stretches_equal_their_definition(documents):
    P, inputs, ptr = part(documents, 3)
    C = compute_context(P, inputs, ptr)
    log_length = inputs.log_length[inputs.text_ids]
    body = P[:, 1]
    assert column(C, "body[1..3 before]")[0] == 0
    assert column(C, "log_length[1..3 after]")[-2] == pytest.approx(log_length[-1], abs=1e-3)
    for i in (0, 10, 40):
        assert column(C, "body[1..8 after]")[i] == pytest.approx(body[i + 1 : i + 9].mean(), abs=1e-3)
    for i in (10, 40, 51):
        assert column(C, "body[1..3 before]")[i] == pytest.approx(body[i - 3 : i].mean(), abs=1e-3)
        p, length = P[i - 3 : i, :2].sum(axis=1), np.expm1(log_length[i - 3 : i])
        expected = (p * length).sum() / length.sum()
        assert column(C, "p_by_length[1..3 before]")[i] == pytest.approx(expected, abs=0.01)
    assert column(C, "document_body") == pytest.approx(np.full(len(body), body.mean()), abs=1e-3)
    repeats = [(inputs.text_ids == i).sum() for i in inputs.text_ids]
    assert column(C, "log_repeats") == pytest.approx(np.log(repeats))


def test_the_best_run_is_kadanes(documents):
    P, inputs, ptr = part(documents, 3)
    C = compute_context(P, inputs, ptr)
    p, length = P[:, :2].sum(axis=1), np.expm1(inputs.log_length[inputs.text_ids])
    gains = (p - 0.4) * np.sqrt(np.rint(length))
    sums = {
        (i, j): gains[i:j].sum() for i in range(len(gains)) for j in range(i + 1, len(gains) + 1)
    }  # fmt: skip
    start, stop = max(sums, key=sums.get)
    expected = np.zeros(len(gains))
    if sums[start, stop] > 0:
        expected[start:stop] = 1
    assert column(C, "in_run").tolist() == expected.tolist()


def test_attention_goes_to_likely_content_by_its_length(documents):
    P, inputs, ptr = documents
    P[3, :2] = 0
    inputs.log_length[inputs.text_ids[5]] = 0
    inputs.log_length[inputs.text_ids[7]] = np.log1p(1000)
    length = np.minimum(np.rint(np.expm1(inputs.log_length[inputs.text_ids])), 300)
    attention = Context(inputs, ptr, P).attention
    assert attention == pytest.approx((P[:, 0] + P[:, 1]) * length + 1e-3, rel=1e-5)
    assert attention[3] == attention[5] == np.float32(1e-3)


def test_another_language_shows_as_mismatch():
    n = 6
    P = np.zeros((n, len(KINDS)), np.float32)
    P[:, 1] = 1
    likelihood = np.zeros((n, 2), np.int16)
    likelihood[:5, 0], likelihood[5, 1] = 640, 640
    ones = np.ones(n, np.float32)
    inputs = ContextInputs(5 * ones, ones, likelihood, np.full(n, 32), np.arange(n))
    C = compute_context(P, inputs, np.array([0, n]))
    assert column(C, "mismatch").tolist() == pytest.approx([0] * 5 + [1])
