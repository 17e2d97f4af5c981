import numpy as np
import pytest

from dechrome.batch import Batch
from dechrome.patterns import PATTERN_BITS, pattern_grams

TEXTS = ["Photo: Ana Ruiz/EFE", "", "12.05.2026", "Ä" * 5000, "a b " * 300, "पहला पन्ना, दूसरा", "写真：共同"]


def grams_of(text):
    return pattern_grams(Batch([text]))[0].tolist()


@pytest.mark.parametrize("i", range(len(TEXTS)))
def test_a_paragraph_has_the_same_grams_alone_and_in_a_batch(i):
    buckets, ptr = pattern_grams(Batch(TEXTS))
    assert buckets[ptr[i] : ptr[i + 1]].tolist() == grams_of(TEXTS[i])


def test_every_paragraph_has_grams_below_the_number_of_buckets():
    buckets, ptr = pattern_grams(Batch(TEXTS))
    assert buckets.max() < 1 << PATTERN_BITS
    assert np.diff(ptr).min() > 0
    assert ptr[-1] == len(buckets)
    assert pattern_grams(Batch([]))[1].tolist() == [0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Photo: Ana Ruiz/EFE", "Image: Eva Pons/AFP"),
        ("Фото: Анна Кузина", "Ohne: Anna Kuzina"),
        ("12.05.2026", "28.11.1999"),
        ("Foto Ana", "Foto Eva"),
    ],
)
def test_equal_patterns_have_equal_grams(one, other):
    assert grams_of(one) == grams_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("12.05.2026", "12/05/2026"),
        ("1.5.2026", "12.5.2026"),
        ("Ana Ruiz", "ana ruiz"),
        ("go on", "continue on"),
        ("写真", "写真写真写"),
        ("Home | Sport", "Home, Sport"),
    ],
)
def test_other_patterns_have_other_grams(one, other):
    assert grams_of(one) != grams_of(other)


def test_vowel_signs_do_not_break_a_word():
    assert grams_of("किताब") == grams_of("কলমদ")


def test_of_a_long_paragraph_the_beginning_and_the_end_are_read():
    middle = "word " * 400
    assert grams_of(f"A. {middle} end") == grams_of(f"A. {middle} 12 {middle} end")
    assert grams_of(f"A. {middle} end") != grams_of(f"1. {middle} end")
    assert grams_of(f"A. {middle} end") != grams_of(f"A. {middle} end!")
