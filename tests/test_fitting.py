import json
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from conftest import TOY_CONFIG, only
from dechrome.artefact import SHIPPED_MODEL, read_model, write_model
from dechrome.encoder import MEANINGS, Encoder
from dechrome.errors import CorpusFormatError
from dechrome.evaluation.measures import evaluate_paragraphs, score_documents
from dechrome.labels import KINDS
from dechrome.model import FIRST_PASS_INPUTS
from dechrome.training.calibration import _choose_thresholds, calibrate
from dechrome.training.config import TrainingConfig, read_config
from dechrome.training.fitting import _row_weights, fit_alone, fit_model
from dechrome.training.restyling import thin_news
from dechrome.training.table import tabulate
from dechrome.training.text_models import score_out_of_fold


def test_two_trainings_write_the_same_bytes(seed_documents, toy_model, tmp_path):
    write_model(toy_model, tmp_path / "first")
    write_model(fit_model(seed_documents, TOY_CONFIG, n_jobs=2), tmp_path / "second")
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_blas_is_held_to_one_thread(seed_documents):
    def n_threads():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    if not n_threads():
        pytest.skip("threadpoolctl does not know this BLAS")
    seen = set()
    with threadpool_limits(2, "blas"):
        assert n_threads() == {2}
        small = replace(TOY_CONFIG, n_documents=60)
        fit_model(seed_documents[:30], small, n_jobs=2, progress=lambda _: seen.update(n_threads()))
        assert n_threads() >= {2}
    assert seen == {1}


def test_scores_out_of_fold_come_from_what_has_not_seen_the_fold(seed_documents):
    table = tabulate(seed_documents[::9], 4)

    class Sum:  # says of each paragraph the sum of the rows that it was fitted on, then how long it is
        def __init__(self, rows):
            self.total = rows.sum()

        def score(self, batch):
            return np.array([[self.total, len(text)] for text in batch.paragraphs], np.float32)

    rows, length = np.arange(len(table.paragraphs)), np.array([len(text) for text in table.paragraphs])
    for fold in (table.fold, table.language_fold):
        assert len(np.unique(fold)) > 1
        scores = score_out_of_fold(table, fold, Sum, "sums", lambda _: None)
        assert np.array_equal(scores[:, 0], rows.sum() - np.bincount(fold, rows)[fold])
        assert np.array_equal(scores[:, 1], length)


def test_a_lexicon_that_has_not_seen_the_language_knows_fewer_of_its_words(seed_documents):
    told = []
    lessons = fit_alone(seed_documents, TOY_CONFIG, 1, told.append).lessons
    coverage = FIRST_PASS_INPUTS.index("lexical_coverage")
    unseen, seen = (lessons.first[is_foreign][:, coverage].mean() for is_foreign in (True, False))
    assert 0 < unseen < 0.8 * seen
    assert any("languages unseen" in line for line in told)


@pytest.mark.parametrize("unknown", ["labels", "kinds"])
def test_a_language_alone_in_having_labels_teaches_all(seed_documents, unknown):
    documents = [
        d if d.language == "en" else replace(d, **{name: [None] * len(d.kinds) for name in names})
        for d in seed_documents
        if d.language in ("en", "ru")
        for names in [("labels", "kinds") if unknown == "labels" else ("kinds",)]
    ]
    lessons = fit_alone(documents, TOY_CONFIG, 1, lambda _: None).lessons
    assert all(np.isfinite(X).all() for X in lessons.first.values())
    is_english = np.repeat(
        [d.language == "en" for d in lessons.documents], [len(d.labels) for d in lessons.documents]
    )
    of_content = lessons.first[True][is_english, FIRST_PASS_INPUTS.index("lexical_content")]
    assert of_content.std() > 0  # of what nothing else would have taught


def test_calibration_takes_teasers_for_chrome(seed_documents, toy_model):
    articles = []
    for d in seed_documents:
        own = [i for i, label in enumerate(d.labels) if label == "content"]
        parts = {name: [getattr(d, name)[i] for i in own] for name in ("paragraphs", "labels", "kinds")}
        articles.append(replace(d, **parts))
    model = calibrate(toy_model, articles, replace(TOY_CONFIG, mix=only("portal_page")))
    assert 0 < model.threshold < 1
    assert model.calibration.slope > 0


def test_where_there_is_one_language_none_is_unseen(seed_documents):
    told = []
    english = [d for d in seed_documents if d.language == "en"]
    lessons = fit_alone(english, TOY_CONFIG, 1, told.append).lessons
    assert np.array_equal(lessons.first[True], lessons.first[False])
    assert not any("languages unseen" in line for line in told)


def test_even_a_toy_learns_from_seeds(seed_documents, toy_model):
    held_out = [d for d in seed_documents if d.split == "development"]
    assert len(held_out) > 5
    measures = evaluate_paragraphs(score_documents(toy_model, held_out))
    assert measures["accuracy"] > 0.8


def test_what_was_read_weighs_twice_and_what_is_not_known_nothing(seed_documents):
    seed = seed_documents[0]
    page = replace(
        seed, source="fundus", labels=[None, *seed.labels[1:]], kinds=[None, *seed.kinds[1:]], read=[]
    )
    weight = _row_weights(tabulate([seed, page], 2))
    of_seed, of_page = np.split(weight, 2)
    assert of_page[0] == 0
    assert np.array_equal(of_seed[1:], 2 * of_page[1:])
    assert (of_page[1:] > 0).all()


def test_another_random_state_gives_another_model(seed_documents, toy_model):
    other = fit_model(seed_documents, replace(TOY_CONFIG, random_state=1))
    for mine, others in zip(toy_model.nets, other.nets, strict=True):
        assert not np.array_equal(mine.weights[0], others.weights[0])


def test_the_given_encoder_is_learned_with_and_kept(seed_documents, toy_model):
    (*weights, last), biases = toy_model.encoder.weights, toy_model.encoder.biases
    other = Encoder(toy_model.encoder.checks, toy_model.encoder.table, [*weights, 2 * last], biases)
    small, columns = replace(TOY_CONFIG, n_documents=60), [FIRST_PASS_INPUTS.index(name) for name in MEANINGS]
    mine, others = (fit_alone(seed_documents[:30], small, encoder=encoder) for encoder in (None, other))
    for foreign in (True, False):
        said = mine.lessons.first[foreign][:, columns] - biases[2]
        assert said.std(axis=0).min() > 0
        assert np.allclose(others.lessons.first[foreign][:, columns] - biases[2], 2 * said, atol=1e-5)
    assert mine.encoder.weights[1].tobytes() == read_model(SHIPPED_MODEL).encoder.weights[1].tobytes()
    assert fit_model(seed_documents[:30], small, encoder=other).encoder is other


def test_a_fasttext_lexicon_is_selectable(seed_documents):
    pytest.importorskip("fasttext")
    model = fit_model(seed_documents[:30], replace(TOY_CONFIG, text_model="fasttext", n_documents=60))
    assert model.lexicon.name == "fasttext"


@pytest.mark.parametrize("label", ["content", "chrome"])
def test_a_corpus_of_one_label_is_refused(seed_documents, label):
    one = [
        replace(d, labels=[label] * len(d.labels), kinds=[None] * len(d.kinds)) for d in seed_documents[:4]
    ]
    with pytest.raises(CorpusFormatError, match="both content and chrome"):
        fit_model(one, TOY_CONFIG)


def test_news_are_thinned_and_pages_are_not(seed_documents):
    news = [replace(seed_documents[0], document_id=str(i), source="ntrex", language="mi") for i in range(50)]
    kept = thin_news([*seed_documents, *news], 7, 0)
    assert sum(d.source == "ntrex" for d in kept) == 7
    assert len(kept) == len(seed_documents) + 7


def test_settings_keep_their_defaults(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"n_documents": 5, "dilations": [4], "dropout": 0, "mix": {"foreign": 0.5}}')
    config = read_config(path, "fasttext")
    assert (config.n_documents, config.dilations, config.dropout, config.mix.foreign) == (5, (4,), 0.0, 0.5)
    assert config.text_model == "fasttext"
    assert read_config(None) == TrainingConfig()
    path.write_text('{"n_documents": 7}', encoding="utf-8-sig")
    assert read_config(path).n_documents == 7


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_document": 5}, "unknown settings n_document"),
        ({"n_documents": "5"}, "n_documents must be int"),
        ({"dilations": [1.5]}, "dilations must be tuple"),
        ({"mix": {"full": 1.0}}, "mix: unknown settings full"),
        ({"mix": 3}, "mix: unknown settings"),
        ({"text_model": "bert"}, "text_model 'bert'"),
        ([1], "one JSON object"),
        ({"first_pass_epochs": 0}, "out of range: first_pass_epochs 0"),
        ({"dilations": [True]}, "dilations must be tuple"),
        ({"dilations": [0]}, "out of range: dilation 0"),
        ({"dropout": 1.0}, "out of range: dropout 1.0"),
        ({"mix": {"foreign": -1.0}}, "out of range: foreign -1.0"),
    ],
)
def test_wrong_settings_are_named(tmp_path, settings, message):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(settings))
    with pytest.raises(CorpusFormatError, match=message):
        read_config(path)


def test_documents_set_again_are_learned_from_and_not_counted(seed_documents):
    told = []
    model = fit_model(seed_documents, replace(TOY_CONFIG, restyled=1.0), progress=told.append)
    train = [d for d in seed_documents if d.split == "train"]
    assert f"{len(train)} documents, {len(train)} of them set again too" in told[0]
    assert model.metadata["n_training_documents"] == len(train)


def test_what_is_lifted_lies_above_the_threshold(toy_model):
    thresholds = toy_model.thresholds
    lifted = {favor: 1 / (1 + np.exp(-best)) for favor, best in toy_model.calibration.lifted_best.items()}
    assert thresholds["balanced"] < lifted["balanced"] < thresholds["balanced"] + 0.06
    assert thresholds["precision"] < lifted["precision"] < thresholds["precision"] + 0.06
    assert lifted["recall"] >= lifted["balanced"]


def test_a_lone_paragraph_meets_the_threshold_at_even_odds(toy_model):
    calibration = toy_model.calibration
    assert abs(toy_model.threshold - 0.5) > 0.01
    even = 1 / (1 + np.exp(calibration.intercept / calibration.slope))
    P = np.zeros((4, len(KINDS)), np.float32)
    P[:, KINDS.index("body")] = [even - 1e-3, even + 1e-3, even - 1e-3, even + 1e-3]
    P[:, KINDS.index("related")] = 1 - P.sum(axis=1)
    p = calibration.apply(P, np.full(4, 5, np.float32), np.array([0, 1, 2, 4]))
    assert p[0] < toy_model.threshold < p[1]
    assert p[2:] == pytest.approx([0.5, 0.5], abs=0.01)


@pytest.mark.parametrize("shape", ["article_only", "single_paragraph"])
def test_lone_paragraphs_choose_thresholds_only_where_there_are_no_others(
    seed_documents, toy_model, monkeypatch, shape
):
    sizes = []

    def choose(is_content, p_content, length, owner):
        sizes.extend(np.bincount(owner)[np.unique(owner)])
        return _choose_thresholds(is_content, p_content, length, owner)

    monkeypatch.setattr("dechrome.training.calibration._choose_thresholds", choose)
    mix = replace(only(shape), single_paragraph=1.0)
    calibrate(
        toy_model, [d for d in seed_documents if d.split == "development"], replace(TOY_CONFIG, mix=mix)
    )
    assert (min(sizes) > 1) == (shape == "article_only")


def test_of_thresholds_as_good_as_the_best_the_middle_is_taken():
    is_content = np.array([False] * 5 + [True] * 5)
    p = np.array([0.1, 0.1, 0.2, 0.2, 0.3, 0.7, 0.8, 0.8, 0.9, 0.9])
    chosen = _choose_thresholds(is_content, p, np.full(10, 100), np.repeat([0, 1], 5))
    assert chosen["balanced"] == pytest.approx(0.5, abs=0.01)


def test_thresholds_that_cost_next_to_nothing_are_as_good_as_the_best():
    is_content, p = np.array([False, True]), np.array([0.3, 0.7])
    for chrome, expected in ((6, 0.375), (30, 0.5)):  # kept, it costs .003 or .015 of F1
        chosen = _choose_thresholds(is_content, p, np.array([chrome, 1000]), np.zeros(2, np.int64))
        assert chosen["balanced"] == pytest.approx(expected, abs=0.01)


def test_thresholds_are_chosen_by_the_mean_over_documents():
    """A long document wants 0.7, three short ones 0.2, and one without content more than 0.1."""
    is_content = np.array([True, False, True, True, True, False])
    p, length = np.array([0.8, 0.6, 0.3, 0.3, 0.3, 0.1]), np.array([500, 500, 60, 60, 60, 60])
    chosen = _choose_thresholds(is_content, p, length, np.array([0, 0, 1, 2, 3, 4]))
    assert 0.1 < chosen["balanced"] <= 0.3
