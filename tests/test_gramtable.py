import numpy as np
import pytest

from dechrome.gramtable import GramTable, hash_grams, hash_parts, hash_runs


@pytest.mark.parametrize("n_columns", [1, 4, 13, 120])
def test_sums_equal_their_definition(n_columns):
    rng = np.random.default_rng(0)
    weights = rng.integers(-128, 128, (500, n_columns)).astype(np.int8)
    weights[0], weights[1] = 127, -128
    sizes = [1, 3, 256, 257, 1200, 2, *rng.integers(1, 90, 200)]
    ptr = np.concatenate([[0], np.cumsum(sizes)])
    buckets = rng.integers(0, 500, ptr[-1]).astype(np.uint32)
    buckets[ptr[4] : ptr[5]] = 0  # the largest sum that a paragraph can have
    buckets[ptr[2] : ptr[3]] = 1
    expected = [weights[buckets[a:b]].astype(int).sum(axis=0) for a, b in zip(ptr[:-1], ptr[1:], strict=True)]
    assert np.array_equal(GramTable(weights).sum(buckets, ptr), expected)


def test_no_paragraphs_no_rows():
    table = GramTable(np.ones((8, 5), np.int8))
    assert table.sum(np.zeros(0, np.uint32), np.array([0])).shape == (0, 5)


def test_runs_hash_by_their_symbols_and_places():
    symbols = np.array([3, 4, 0, 4, 3, 3, 4, 0, 0, 3, *range(1, 100)], np.uint32)
    first = np.array([0, 3, 5, 9, 10])
    hashes = hash_runs(symbols, first).tolist()
    assert hashes[0] == hashes[2]  # zeros behind a run leave no trace
    assert len(set(hashes)) == 4


def test_parts_of_runs_hash_as_runs_of_their_own():
    rng = np.random.default_rng(0)
    runs = [rng.integers(1, 1 << 32, size).tolist() for size in (64, 1, 7)]
    rows = np.array([run + [0] * (64 - len(run)) for run in runs], np.uint32)
    beginnings, ends = hash_parts(rows)
    for i, run in enumerate(runs):
        for k in range(len(run)):
            expected = [
                hash_runs(np.array(part, np.uint32), np.array([0])) for part in (run[: k + 1], run[k:])
            ]
            assert [[beginnings[i, k]], [ends[i, k]]] == expected
    assert [part.shape for part in hash_parts(rows[:0])] == [(0, 64)] * 2


def test_a_run_is_not_the_same_as_a_sequence_of_shorter_ones():
    he, s, the = ([ord(c) for c in word] for word in ("he", "s", "the"))
    first = np.array([0, 2, 3])
    runs = hash_runs(np.array([*he, *s, *the], np.uint32), first)
    pair = hash_grams(runs, slice(0, 1), (2,), 32)
    assert pair != hash_grams(runs, slice(2, 3), (1,), 32)
