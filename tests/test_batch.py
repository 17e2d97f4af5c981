import numpy as np
import pytest

from dechrome.batch import GRAM_BITS, Batch

TEXTS = [
    "Hello World",
    "",
    "日本語の段落です。",
    "x",
    "é" * 1000,
    "line\nbreak",
    "lone \ud800 surrogate",
    "🙂",
]


def test_codes_are_the_code_points_with_a_newline_behind():
    codes, ptr = Batch(TEXTS).codes
    for i, text in enumerate(TEXTS):
        assert codes[ptr[i] : ptr[i + 1]].tolist() == [ord(c) for c in text + "\n"]


@pytest.mark.parametrize("i", range(len(TEXTS)))
def test_grams_do_not_depend_on_the_rest_of_the_batch(i):
    together, ptr = Batch(TEXTS).grams
    alone, _ = Batch([TEXTS[i]]).grams
    assert np.array_equal(together[ptr[i] : ptr[i + 1]], alone)


def test_grams_stay_below_the_number_of_buckets_and_are_never_none():
    grams, ptr = Batch(TEXTS).grams
    assert grams.max() < 2**GRAM_BITS
    assert (np.diff(ptr) > 0).all()


def test_grams_ignore_case_and_which_digit():
    first, _ = Batch(["Chapter 17"]).grams
    second, _ = Batch(["chapter 42"]).grams
    assert np.array_equal(first, second)


def test_long_paragraphs_are_read_at_both_ends_only():
    base = "start " + "a" * 300 + " end"
    longer = "start " + "a" * 5000 + " end"
    assert np.array_equal(
        Batch([base + "." * 100]).grams[0].shape, Batch([longer + "." * 100]).grams[0].shape
    )


def test_empty_batch():
    grams, ptr = Batch([]).grams
    assert len(grams) == 0
    assert ptr.tolist() == [0]


def test_the_middle_of_a_very_long_paragraph_is_left_out():
    codes, ptr = Batch(["a" * 200_000 + "b", "c"]).codes
    assert ptr.tolist() == [0, 2**17 + 1, 2**17 + 3]
    assert codes[2**17 - 1 :].tolist() == [ord("b"), ord("\n"), ord("c"), ord("\n")]
