import numpy as np
import pytest

from dechrome.context import CONTEXT, compute_context
from dechrome.labels import KINDS


@pytest.fixture
def documents():
    """Inputs of four documents, one of them empty."""
    rng = np.random.default_rng(3)
    ptr = np.array([0, 7, 7, 8, 60])
    n = int(ptr[-1])
    P = rng.dirichlet(np.ones(len(KINDS)), n).astype(np.float32)
    log_length = rng.uniform(1, 6, n).astype(np.float32)
    closed = rng.integers(0, 2, n).astype(np.float32)
    likelihood = rng.integers(-200, 200, (n, 5)).astype(np.int16)
    text_ids = rng.integers(0, 40, n)
    return P, log_length, closed, likelihood, text_ids, ptr


def part(documents, d):
    *arrays, ptr = documents
    a, b = ptr[d], ptr[d + 1]
    return [array[a:b] for array in arrays], np.array([0, b - a])


@pytest.mark.parametrize("d", [0, 1, 2, 3])
def test_context_never_crosses_documents_and_is_exact(documents, d):
    together = compute_context(*documents)
    arrays, ptr = part(documents, d)
    alone = compute_context(*arrays, ptr)
    a, b = documents[-1][d], documents[-1][d + 1]
    assert np.array_equal(together[a:b], alone)


def column(C, name):
    return C[:, CONTEXT.index(name)]


def test_neighbours_and_windows_equal_their_definition(documents):
    arrays, ptr = part(documents, 3)
    P, log_length = arrays[0], arrays[1]
    C = compute_context(*arrays, ptr)
    p = P[:, :2].sum(axis=1)
    assert column(C, "p[-1]")[1:] == pytest.approx(p[:-1], abs=1e-3)
    assert column(C, "is_there[-1]")[:2].tolist() == [0, 1]
    assert column(C, "log_length[+2]")[:-2] == pytest.approx(log_length[2:], abs=1e-3)
    for i in (0, 10, 40):
        after = p[i + 1 : i + 9]
        assert column(C, "p[1..8 after]")[i] == pytest.approx(after.mean(), abs=1e-3)
    assert column(C, "document_p") == pytest.approx(np.full(len(p), p.mean()), abs=1e-3)


def test_the_best_run_is_kadanes(documents):
    arrays, ptr = part(documents, 3)
    C = compute_context(*arrays, ptr)
    p, length = arrays[0][:, :2].sum(axis=1), np.expm1(arrays[1])
    gains = (p - 0.4) * np.sqrt(np.rint(length))
    sums = {
        (i, j): gains[i:j].sum() for i in range(len(gains)) for j in range(i + 1, len(gains) + 1)
    }  # fmt: skip
    start, stop = max(sums, key=sums.get)
    expected = np.zeros(len(gains))
    if sums[start, stop] > 0:
        expected[start:stop] = 1
    assert column(C, "in_run").tolist() == expected.tolist()


def test_another_language_shows_as_mismatch():
    n = 6
    P = np.zeros((n, len(KINDS)), np.float32)
    P[:, 1] = 1
    likelihood = np.zeros((n, 2), np.int16)
    likelihood[:5, 0], likelihood[5, 1] = 320, 320
    C = compute_context(
        P,
        np.full(n, 5, np.float32),
        np.ones(n, np.float32),
        likelihood,
        np.arange(n),
        np.array([0, n]),
    )
    assert column(C, "mismatch").tolist() == pytest.approx([0] * 5 + [1])


def test_no_paragraphs_no_rows():
    empty = np.zeros(0, np.float32)
    C = compute_context(
        np.zeros((0, len(KINDS)), np.float32), empty, empty, np.zeros((0, 3), np.int16), np.zeros(0, np.int64),
        np.array([0]),
    )  # fmt: skip
    assert C.shape == (0, len(CONTEXT))
