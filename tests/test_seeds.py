import json
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from dechrome.errors import CorpusFormatError
from dechrome.labels import KINDS
from dechrome.training.building import document_from_seed
from dechrome.training.corpus import read_corpus, text_hash
from dechrome.training.seeds import format_seed, parse_seed, read_seeds

SEEDS = Path(__file__).parents[1] / "seeds"
DATA = SEEDS.with_name("data")


@pytest.fixture(scope="module")
def seeds():
    return read_seeds(SEEDS)


def test_a_written_seed_reads_back(seeds):
    for seed in seeds:
        assert parse_seed(format_seed(seed), seed.name) == seed


def test_they_cover_languages_kinds_and_shapes(seeds):
    per_language = Counter(seed.language for seed in seeds)
    assert len(per_language) >= 60
    assert sum(n >= 3 for n in per_language.values()) >= 70
    kinds = Counter(kind for seed in seeds for kind in seed.kinds)
    assert set(kinds) == set(KINDS)
    assert sum(bool(seed.chrome_language) for seed in seeds) >= 60
    content = [sum(kind in ("headline", "body") for kind in seed.kinds) / len(seed.kinds) for seed in seeds]
    assert sum(share == 1 for share in content) >= 20
    assert sum("body" not in seed.kinds for seed in seeds) >= 15


def words_of(text):
    """Runs of letters and digits, the vowel signs of Indic scripts among them."""
    kept = (c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text)
    return "".join(kept).split()


def test_no_eight_words_stand_in_two_documents(seeds):
    unspaced = {"zh", "ja", "th", "lo", "km", "my"}
    documents = [(seed.name, seed.language, seed.paragraphs) for seed in seeds]
    documents += [(d.document_id, d.language, d.paragraphs) for d in read_corpus(DATA / "independent.jsonl")]
    holders = defaultdict(set)
    for name, language, paragraphs in documents:
        for text in paragraphs:
            if language in unspaced:
                words, size = [c for c in text if c.isalnum()], 16
            else:
                words, size = words_of(text.lower()), 8
            for i in range(len(words) - size + 1):
                holders[tuple(words[i : i + size])].add(name)
    assert not {" ".join(span): names for span, names in holders.items() if len(names) > 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# language: en\nbody Text", r"line 2 \('body Text'\)"),
        ("# language: en\nadvert | Text\nbody | Text\nx", "line 2 .*line 4"),
        ("# language: en\nbody |  ", "line 2"),
        ("# language: en\n", "no paragraphs"),
        ("body | Text", "no '# language"),
    ],
)
def test_a_broken_seed_names_its_lines(text, message):
    with pytest.raises(CorpusFormatError, match=message):
        parse_seed(text, "broken.txt")


def test_a_mark_of_byte_order_does_no_harm(tmp_path):
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "a.txt").write_text("# language: de\nbody | Ein Satz.", encoding="utf-8-sig")
    assert [seed.kinds for seed in read_seeds(tmp_path)] == [("body",)]


def test_a_seed_in_the_wrong_folder_is_named(tmp_path):
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "a.txt").write_text("# language: fr\nbody | Texte", encoding="utf-8")
    with pytest.raises(CorpusFormatError, match=r"a\.txt: says language 'fr', but lies in 'de'"):
        read_seeds(tmp_path)


def test_the_texts_read_blind_stand_as_they_were_read(seeds):
    documents = {f"seeds/{seed.name}": seed.paragraphs for seed in seeds}
    n_read = 0
    for line in (SEEDS.parent / "data" / "blind_readings.jsonl").read_text(encoding="utf-8").splitlines():
        reading = json.loads(line)
        if all(name in documents for name, _ in reading["parts"]):
            texts = [documents[name][i] for name, positions in reading["parts"] for i in positions]
            assert text_hash("\n".join(texts)) == reading["text_hash"]
            assert set(reading["labels"]) == {str(i) for i in range(len(texts))[-8:]}
            n_read += 1
    assert n_read > 200


def test_the_sample_is_every_eighth_seed(seeds):
    sample = list(read_corpus(DATA / "sample.jsonl"))
    assert sample == [document_from_seed(seed) for seed in seeds[::8]], "run `make sample`"
