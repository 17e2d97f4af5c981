import numpy as np
import pytest

from dechrome import encoder as encoding
from dechrome.batch import Batch
from dechrome.encoder import MEANINGS, MOST_WORDS, Encoder, find_pieces
from dechrome.lexicon import UNKNOWN_WORD, VOCABULARY_BITS, choose_words, find_words
from dechrome.training.corpus import Document
from dechrome.training.table import encode_paragraphs, tabulate

WORDS = "we use cookies to improve our site the minister said that talks would go on 写 真 : data schutz e".split()
TEXTS = [
    "We use cookies",
    "",
    "The minister said that talks would go on.",
    "写真：山田",
    "unheard",
    "x " * 40,
    "We use cookies to improve our site",
    "theminister usecookies: unschutz, datas xyz 写",
]


@pytest.fixture(scope="module")
def encoder():
    rng = np.random.default_rng(0)
    hashes = np.unique(Batch(WORDS).single_words[0])
    checks = choose_words(hashes, np.arange(len(hashes)))
    table = np.zeros((1 << VOCABULARY_BITS, 8), np.int8)
    table[[UNKNOWN_WORD, *find_words(hashes, checks)]] = rng.integers(-5, 6, (len(hashes) + 1, 8))
    shapes = ((24, 4), (8, 5), (5, len(MEANINGS)))
    weights = tuple(rng.normal(size=size).astype(np.float32) for size in shapes)
    biases = tuple(rng.normal(size=size[1]).astype(np.float32) for size in shapes)
    return Encoder(checks, table, weights, biases)


def vector_by_hand(encoder, word):
    """Vector of a word or the sum of those of its pieces."""

    def is_known(part):
        return part in WORDS

    places = {part: find_words(Batch([part]).single_words[0], encoder.checks)[0] for part in WORDS}
    pieces = [word]
    if not is_known(word):
        sizes = range(len(word) - 1, 2, -1)
        beginning = next((word[:n] for n in sizes if is_known(word[:n])), "")
        behind = range(max(len(beginning), 1), len(word) - 1)
        pieces = [beginning, next((word[k:] for k in behind if is_known(word[k:])), "")]
    rows = [encoder.table[places[piece]] for piece in pieces if piece] or [encoder.table[UNKNOWN_WORD]]
    return np.sum(rows, axis=0, dtype=float)


def by_hand(encoder, text):
    """The same, word by word."""
    batch = Batch([text])
    words = batch.spell_words(np.arange(len(batch.single_words[0])))[:MOST_WORDS]
    nothing = np.zeros(encoder.table.shape[1])
    rows = np.array([nothing, *(vector_by_hand(encoder, word) for word in words), nothing])
    (conv, dense, last), (conv_bias, dense_bias, last_bias) = encoder.weights, encoder.biases
    made = [np.maximum(rows[i : i + 3].ravel() @ conv + conv_bias, 0) for i in range(len(rows) - 2)]
    made = np.array(made).reshape(-1, len(conv_bias))
    mean, highest = (made.mean(axis=0), made.max(axis=0)) if len(made) else (0 * conv_bias, 0 * conv_bias)
    hidden = np.maximum(np.concatenate([mean, highest]) @ dense + dense_bias, 0)
    return hidden @ last + last_bias


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


def test_columns_of_the_hidden_layer_may_be_computed_apart(encoder, monkeypatch):
    monkeypatch.setattr(encoding, "_COLUMNS", 2)
    apart = Encoder(encoder.checks, encoder.table, encoder.weights, encoder.biases)
    assert [len(bias) for _, bias in apart._hidden] == [2, 2, 1]
    assert np.allclose(apart.encode(Batch(TEXTS)), encoder.encode(Batch(TEXTS)), atol=1e-5)


def test_paragraphs_of_a_table_are_encoded_each_in_its_place(encoder):
    def page(*texts):
        n = len(texts)
        return Document(
            "d", "seeds", "s", "en", "news", "train", "", list(texts), ["content"] * n, [None] * n, []
        )

    table = tabulate([page(*TEXTS), page(*TEXTS[2:4], *TEXTS[:2])])
    assert np.array_equal(encode_paragraphs(encoder, table), encoder.encode(Batch(table.paragraphs)))


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("dataschutz", ["data", "schutz"]),
        ("datenschutz", ["schutz"]),
        ("theminister", ["the", "minister"]),
        ("cookiesen", ["cookies"]),
        ("useuse", ["use", "use"]),  # as often as it comes
        ("sitewe", ["site", "we"]),
        ("goon", ["on"]),  # a beginning has three letters at least
        ("sitee", ["site"]),  # an end has two
        ("wex", []),
        ("wwe", []),  # no end of three letters or fewer
        ("xyz", []),
        ("schutz", []),  # not the word itself
        ("thezzzzzz", ["the"]),
        ("the" + "z" * 15 + "weabc", ["the", "we"]),  # what stands behind twenty letters is not seen
    ],
)
def test_an_unknown_word_has_a_known_beginning_and_a_known_end(encoder, word, pieces):
    batch = Batch([word])
    found = find_pieces(batch, np.zeros(1, np.int64), encoder.checks)
    known = find_words(Batch([" ".join(pieces)]).single_words[0], encoder.checks).tolist()
    assert found.tolist() == [(known + [UNKNOWN_WORD] * 2)[:2]]


def test_nothing_in_gives_nothing_out(encoder):
    assert encoder.encode(Batch([])).shape == (0, len(MEANINGS))


def test_words_behind_the_first_ones_do_not_count(encoder):
    start = "we use " * (MOST_WORDS // 2)
    longer, shorter, other = encoder.encode(
        Batch([start + "cookies", start + "talks", start[3:] + "cookies"])
    )
    assert np.array_equal(longer, shorter)
    assert not np.allclose(longer, other)


def test_the_order_of_words_counts_and_unknown_ones_without_pieces_are_all_alike(encoder):
    a, b, c, d = encoder.encode(
        Batch(["use we cookies", "we use cookies", "we foo cookies", "we bar cookies"])
    )
    assert not np.allclose(a, b)
    assert np.array_equal(c, d)
