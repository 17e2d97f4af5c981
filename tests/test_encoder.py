import numpy as np
import pytest

from dechrome import encoder as encoding
from dechrome.batch import Batch
from dechrome.encoder import MEANINGS, MOST_WORDS, Encoder
from dechrome.lexicon import UNKNOWN_WORD, VOCABULARY_BITS, choose_words, find_words
from dechrome.training.corpus import Document
from dechrome.training.table import encode_paragraphs, tabulate

WORDS = "we use cookies to improve our site the minister said that talks would go on 写 真 :".split()
TEXTS = [
    "We use cookies",
    "",
    "The minister said that talks would go on.",
    "写真：山田",
    "unheard",
    "x " * 40,
    "We use cookies to improve our site",
]


@pytest.fixture(scope="module")
def encoder():
    rng = np.random.default_rng(0)
    hashes = np.unique(Batch(WORDS).single_words[0])
    checks = choose_words(hashes, np.arange(len(hashes)))
    table = np.zeros((1 << VOCABULARY_BITS, 8), np.int8)
    table[[UNKNOWN_WORD, *find_words(hashes, checks)]] = rng.integers(-5, 6, (len(hashes) + 1, 8))
    weights = tuple(rng.normal(size=size).astype(np.float32) for size in ((24, 4), (8, len(MEANINGS))))
    biases = tuple(rng.normal(size=size).astype(np.float32) for size in (4, len(MEANINGS)))
    return Encoder(checks, table, weights, biases)


def by_hand(encoder, text):
    """The same, word by word."""
    hashes, _ = Batch([text]).single_words
    rows = encoder.table[find_words(hashes[:MOST_WORDS], encoder.checks)].astype(float)
    nothing = np.zeros((1, rows.shape[1]))
    rows = np.concatenate([nothing, rows, nothing])
    (conv, dense), (conv_bias, dense_bias) = encoder.weights, encoder.biases
    made = [np.maximum(rows[i : i + 3].ravel() @ conv + conv_bias, 0) for i in range(len(rows) - 2)]
    made = np.array(made).reshape(-1, len(conv_bias))
    mean, highest = (made.mean(axis=0), made.max(axis=0)) if len(made) else (0 * conv_bias, 0 * conv_bias)
    return np.concatenate([mean, highest]) @ dense + dense_bias


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_a_convolution_over_the_words(encoder, text):
    found = encoder.encode(Batch([text]))
    assert found.shape == (1, len(MEANINGS))
    assert np.allclose(found[0], by_hand(encoder, text), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("chunk", [1, 3, 512])
def test_no_vector_depends_on_the_other_paragraphs(encoder, monkeypatch, chunk):
    monkeypatch.setattr(encoding, "_CHUNK", chunk)
    together = encoder.encode(Batch([*TEXTS, *TEXTS[::-1]]))
    alone = np.concatenate([encoder.encode(Batch([text])) for text in TEXTS])
    assert np.array_equal(together[: len(TEXTS)], alone)
    assert np.array_equal(together[len(TEXTS) :], alone[::-1])


def test_paragraphs_of_a_table_are_encoded_each_in_its_place(encoder):
    def page(*texts):
        n = len(texts)
        return Document(
            "d", "seeds", "s", "en", "news", "train", "", list(texts), ["content"] * n, [None] * n, []
        )

    table = tabulate([page(*TEXTS), page(*TEXTS[2:4], *TEXTS[:2])])
    assert np.array_equal(encode_paragraphs(encoder, table), encoder.encode(Batch(table.paragraphs)))


def test_nothing_in_gives_nothing_out(encoder):
    assert encoder.encode(Batch([])).shape == (0, len(MEANINGS))


def test_words_behind_the_first_ones_do_not_count(encoder):
    start = "we use " * (MOST_WORDS // 2)
    longer, shorter, other = encoder.encode(
        Batch([start + "cookies", start + "talks", start[3:] + "cookies"])
    )
    assert np.array_equal(longer, shorter)
    assert not np.allclose(longer, other)


def test_the_order_of_words_counts_and_unknown_ones_are_all_alike(encoder):
    a, b, c, d = encoder.encode(
        Batch(["use we cookies", "we use cookies", "we foo cookies", "we bar cookies"])
    )
    assert not np.allclose(a, b)
    assert np.array_equal(c, d)
