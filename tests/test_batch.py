import numpy as np
import pytest

from dechrome.batch import GRAM_BITS, MOST_LETTERS, WORD_BITS, Batch

TEXTS = [
    "Hello World",
    "",
    "日本語の段落です。",
    "x",
    "é" * 1000,
    "line\nbreak",
    "lone \ud800 surrogate",
    "🙂",
    "\x01\x01read\x01",
    " \t",
    "w " * 400,
    "ภาษาไทย 2567",
    "က",
    "\u103aန်",
    "ะ่",
    "เ",
]


def test_codes_are_the_code_points_with_a_newline_behind():
    codes, ptr = Batch(TEXTS).codes
    for i, text in enumerate(TEXTS):
        assert codes[ptr[i] : ptr[i + 1]].tolist() == [ord(c) for c in text + "\n"]


@pytest.mark.parametrize("what", ["grams", "words"])
@pytest.mark.parametrize("i", range(len(TEXTS)))
def test_grams_and_words_do_not_depend_on_the_rest_of_the_batch(i, what):
    together, ptr = getattr(Batch(TEXTS), what)
    alone, _ = getattr(Batch([TEXTS[i]]), what)
    assert np.array_equal(together[ptr[i] : ptr[i + 1]], alone)


@pytest.mark.parametrize(("what", "bits"), [("grams", GRAM_BITS), ("words", WORD_BITS)])
def test_grams_and_words_stay_below_their_bound_and_are_never_none(what, bits):
    hashes, ptr = getattr(Batch(TEXTS), what)
    assert hashes.max() < 2**bits
    assert (np.diff(ptr) > 0).all()


@pytest.mark.parametrize("what", ["grams", "words"])
def test_grams_and_words_ignore_case_and_which_digit(what):
    first, _ = getattr(Batch(["Chapter 17"]), what)
    second, _ = getattr(Batch(["chapter 42"]), what)
    assert np.array_equal(first, second)


def sequences(text):
    """Hashes of the sequences of one, two and three words that begin behind the frame."""
    hashes, _ = Batch([text]).words
    return [hashes[size::3].tolist()[1:] for size in range(3)]


def test_a_word_is_a_run_of_letters_marks_and_digits_or_one_sign():
    words, _, _ = sequences("Read on: हिन्दी, v2…")
    # read, on, the colon, the Hindi word, the comma, v2, the ellipsis
    assert len(words) == len(set(words)) == 7
    assert sequences("on")[0] == [words[1]]
    assert sequences("  हिन्दी\t")[0] == [words[3]]


def test_letters_count_by_their_place_in_a_word():
    words, _, _ = sequences("tea eat ate tea")
    assert words[0] == words[3]
    assert len(set(words)) == 3


def test_parts_of_words_hash_as_words_of_their_own():
    long = "donaudampfschifffahrtsgesellschaft"
    texts = ["Datenschutz-Erklärung", "", "ไป ą 写真", f"  {long}", "вечером", "x"]
    batch = Batch(texts)
    n_words = len(batch.single_words[0])
    words = batch.spell_words(np.arange(n_words))
    beginnings, ends, sizes = batch.hash_pieces(np.arange(n_words))
    assert sizes.tolist() == [min(len(word), MOST_LETTERS) for word in words]
    for i, word in enumerate(words):
        read = word[:MOST_LETTERS]
        for k in range(len(read)):
            parts = Batch([read[: k + 1], read[k:]]).single_words[0]
            if len(parts) == 2:  # a part of a Thai letter may be no word
                assert [beginnings[i, k], ends[i, k]] == parts.tolist()
    again = batch.hash_pieces(np.array([n_words - 1, 0]))
    assert np.array_equal(again[0], beginnings[[-1, 0]])
    assert [len(part) for part in Batch([]).hash_pieces(np.zeros(0, np.int64))] == [0, 0, 0]


def test_single_words_are_the_sequences_of_one_in_order():
    texts = ["Read on: v2", "", "on", "写真"]
    hashes, ptr = Batch(texts).single_words
    assert np.diff(ptr).tolist() == [4, 0, 1, 2]
    for i, text in enumerate(texts):
        assert hashes[ptr[i] : ptr[i + 1]].tolist() == (sequences(text)[0] if text else [])
    assert [len(part) for part in Batch([]).single_words] == [0, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ภาษา ไทย", "ภา ษา ไท ย"),
        ("เป็นที่", "เป็ น ที่"),
        ("เเก้ๆ", "เเก้ๆ"),  # a doubled vowel, as it is often typed
        ("ພາສາລາວ ເດີ", "ພາ ສາ ລາ ວ ເດີ"),
        ("မြန်မာစာ တက္ကသိုလ်", "မြန် မာ စာ တ က္က သိုလ်"),
        ("ភាសាខ្មែរ", "ភា សា ខ្មែ រ"),
        ("ปี2567ไทยabcไทย", "ปี 2567 ไท ย abc ไท ย"),
        ("ทำและนะฤๅ", "ทำ และ นะ ฤๅ"),
        ("แกโกใก", "แก โก ใก"),
        ("ນ້ຳຄະຫຼາຍໆ", "ນ້ຳ ຄະ ຫຼາ ຍໆ"),
        ("ແກໂກໃກໄກ", "ແກ ໂກ ໃກ ໄກ"),
        ("ໜໝາ", "ໜ ໝາ"),
        ("ၵႃႇၵႃႇ", "ၵႃႇ ၵႃႇ"),  # Shan
        ("ៜៜក", "ៜ ៜ ក"),
        ("ะ ่ก", "ะ ่ ก"),  # what hangs on nothing
        ("\u1039က x", "\u1039က x"),
        ("ក\u200dាក\u200cា", "ក\u200dា ក\u200cា"),  # joiners
        ("ก\u200cabc ก\u200d១២", "ก\u200c abc ก\u200d ១២"),
        ("ก 5\u200c6", "ก 5\u200c6"),
        ("5က5်က", "5 က 5် က"),
        ("x่ก", "x่ ก"),
        ("န် က်", "န် က်"),
        (
            "န\u103eင\u1037\u103a န\u103eင\u103a\u1037",
            "န\u103eင\u1037\u103a န\u103eင\u103a\u1037",
        ),  # asat and dot below, in either order
        ("abcန်", "abc န်"),
        ("ផ្សេងៗ", "ផ្សេ ងៗ"),
        ("ຮຽນ", "ຮຽ ນ"),
        ("ភាសា\u200bខ្មែរ", "ភា សា ខ្មែ រ"),  # ZERO WIDTH SPACE
        ("ប៉\u200cុន្តែ", "ប៉\u200cុ ន្តែ"),
        ("၁၂ ។", "၁၂ ។"),
    ],
)
def test_where_no_spaces_stand_between_words_a_letter_is_one_with_what_hangs_on_it(text, words):
    assert sequences(text)[0] == [sequences(word)[0][0] for word in words.split()]


def test_words_are_spelled_folded():
    batch = Batch(["Read on: V2 5…", "", "İZMİR ΣΟΦΟΣ ภาษา", "lone \ud800 last"])
    hashes, _ = batch.single_words
    words = ["read", "on", ":", "v0", "0", "…", "İzmİr", "σοφοσ", "ภา", "ษา"]
    spelled = batch.spell_words(np.arange(len(hashes)))
    assert spelled == [*words, "lone", "\ud800", "last"]
    zero = Batch(["ភាសា\u200bខ្មែរ "])
    assert zero.spell_words(np.arange(4)) == ["ភា", "សា", "ខ្មែ", "រ"]
    assert batch.spell_words(np.array([3, 0])) == ["v0", "read"]
    assert Batch(spelled).single_words[0].tolist() == hashes.tolist()


def test_sequences_tell_the_order_of_words_and_which_are_at_the_edge():
    _, there, _ = sequences("read more")
    _, back, _ = sequences("more read")
    assert not set(there) & set(back)
    _, pairs, triples = sequences("now read more")
    assert pairs[1:] == there  # "read more", and "more" at the end
    assert triples[1:] == sequences("read more")[2]


@pytest.mark.parametrize("what", ["grams", "words"])
def test_long_paragraphs_are_read_at_both_ends_only(what):
    start, end = "one two " * 30, " three four" * 20
    (short, _), (long, _) = (getattr(Batch([start + middle + end]), what) for middle in ("-", "five " * 1000))
    assert np.array_equal(short, long)


def test_joiners_do_not_cut_a_word():
    words, _, _ = sequences("می\u200cشود ക്\u200dഷ")
    assert len(words) == 2


@pytest.mark.parametrize("what", ["grams", "words"])
def test_empty_batch(what):
    hashes, ptr = getattr(Batch([]), what)
    assert len(hashes) == 0
    assert ptr.tolist() == [0]


def test_the_middle_of_a_very_long_paragraph_is_left_out():
    codes, ptr = Batch(["a" * 200_000 + "b", "c"]).codes
    assert ptr.tolist() == [0, 2**17 + 1, 2**17 + 3]
    assert codes[2**17 - 1 :].tolist() == [ord("b"), ord("\n"), ord("c"), ord("\n")]
