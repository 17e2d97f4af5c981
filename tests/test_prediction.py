import re
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import dechrome
from dechrome import Predictions, clean_text, load_model, predict_paragraphs
from dechrome.labels import FAVORS
from dechrome.prediction import ParagraphModel

DOCUMENT = (
    "Home | News | Sport\n\nFerry service to the islands resumes\n\n"
    "The first ferry since the storm left the harbour at dawn on Tuesday with ninety passengers on board. "
    "The company said that the pier had been repaired faster than planned.\n\n"
    "\u200bWe use cookies to analyse traffic and to show you personalised ads.\r\n\r\nAccept all\n"
)


@pytest.fixture(scope="module")
def model(toy_model):
    return ParagraphModel(toy_model)


def test_offsets_give_the_text(model):
    predictions = model.predict_paragraphs(DOCUMENT)
    assert len(predictions) == 5
    assert all(DOCUMENT[p.start : p.end] == p.text for p in predictions)


def test_a_sequence_is_taken_as_it_is(model):
    paragraphs = ["A story.", "", "  spaced  ", "two\nlines", "A story."]
    predictions = model.predict_paragraphs(paragraphs)
    assert [p.text for p in predictions] == paragraphs
    assert {(p.start, p.end) for p in predictions} == {(None, None)}


@pytest.mark.parametrize("document", ["", " \n\u200b\n", []])
def test_nothing_in_nothing_out(model, document):
    assert len(model.predict_paragraphs(document)) == 0


def test_labels_follow_the_threshold(model):
    for threshold in (0.0, 0.3, 1.0):
        for p in model.predict_paragraphs(DOCUMENT, threshold):
            assert p.label == ("content" if p.p_content >= threshold else "chrome")
            assert (p.kind in ("headline", "body")) == (p.label == "content")


def test_batching_never_changes_a_result(model):
    rng = np.random.default_rng(0)
    lines = [line for line in DOCUMENT.split("\n") if line] * 3
    documents = [
        DOCUMENT,
        "",
        *["\n\n".join(rng.permutation(lines)[: rng.integers(1, 15)]) for _ in range(150)],
    ]
    documents += ["long " * 30_000, ["", ""]]
    together = list(model.predict_documents(documents))
    assert together == [model.predict_paragraphs(document) for document in documents]
    assert together[::-1] == list(model.predict_documents(documents[::-1]))


def test_documents_are_a_stream(model):
    def endless():
        while True:
            yield DOCUMENT

    stream = model.predict_documents(endless())
    assert len(next(stream)) == 5


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"bytes", r"not bytes; decode it first"),
        (None, "not NoneType"),
        (7, "not int"),
        (["a", 7], "paragraph 1 must be str, not int"),
        (["a", b"b"], "paragraph 1 must be str, not bytes"),
        ({"a": 1}, "not dict"),
    ],
)
def test_a_wrong_type_is_named(model, document, message):
    with pytest.raises(TypeError, match=message):
        model.predict_paragraphs(document)


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_a_wrong_threshold_is_named(model, threshold):
    with pytest.raises(ValueError, match="threshold must lie in"):
        model.predict_paragraphs(DOCUMENT, threshold)


def test_predictions_are_a_sequence(model):
    predictions = model.predict_paragraphs(DOCUMENT)
    assert isinstance(predictions[1:3], Predictions)
    assert predictions[1:3][0] == predictions[1]
    assert list(reversed(predictions))[0] == predictions[-1]
    assert "5 paragraphs" in repr(predictions)


def test_the_notebook_view_escapes_the_text(model):
    html = model.predict_paragraphs(["<script>alert(1)</script>", "שלום"])._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert 'dir="auto"' in html
    assert "p_content" in html


def test_the_frame_has_a_row_a_paragraph(model):
    frame = model.predict_paragraphs(DOCUMENT).to_frame()
    assert list(frame.columns) == ["text", "start", "end", "label", "kind", "p_content"]
    assert len(frame) == 5
    assert list(model.predict_paragraphs([]).to_frame().columns) == list(frame.columns)
    assert model.predict_paragraphs(["a"]).to_frame().start.isna().all()


def test_the_shipped_model_is_loaded_once_for_all_threads():
    found = []
    threads = [threading.Thread(target=lambda: found.append(load_model())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(model) for model in found}) == 1


def test_module_functions_take_a_model_or_a_path(toy_model, tmp_path):
    from dechrome.artefact import write_model

    write_model(toy_model, tmp_path / "toy")
    by_path = predict_paragraphs(DOCUMENT, model=tmp_path / "toy")
    assert by_path == predict_paragraphs(DOCUMENT, model=ParagraphModel(toy_model))
    with pytest.raises(TypeError, match="path or a loaded model"):
        predict_paragraphs(DOCUMENT, model=42)


def test_clean_text_keeps_the_kinds_asked_for():
    cleaned = clean_text(DOCUMENT)
    assert cleaned.startswith("Ferry service to the islands resumes\n\nThe first ferry")
    assert "cookies" not in cleaned
    assert "cookies" in clean_text(DOCUMENT, keep=["cookie"])
    with pytest.raises(ValueError, match="unknown kinds 'advert'"):
        clean_text(DOCUMENT, keep=["advert"])


def test_lone_surrogates_and_controls_are_survived():
    assert len(predict_paragraphs(["\ud800", "\x00", "\u202e", "\U0010ffff"])) == 4


def test_version_is_set():
    assert dechrome.__version__.count(".") == 2


def test_the_readmes_snippet_is_labelled_right():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    document = re.search(r'^document = """(.*?)"""', readme, re.MULTILINE | re.DOTALL).group(1)
    assert [p.kind for p in predict_paragraphs(document)] == ["headline", "body", "cookie"]


def test_favor_names_the_thresholds_of_the_model(model):
    """Of a document too short to be lifted."""
    thresholds = {"precision": 0.9, "balanced": 0.5, "recall": 0.1}
    own = ParagraphModel(replace(model.stages, thresholds=thresholds))
    for favor, threshold in thresholds.items():
        assert own.predict_paragraphs(DOCUMENT, favor=favor) == model.predict_paragraphs(DOCUMENT, threshold)
    assert own.predict_paragraphs(DOCUMENT, 0.0, favor="precision") == own.predict_paragraphs(DOCUMENT, 0.0)
    assert clean_text(DOCUMENT, model=own, favor="recall") == clean_text(DOCUMENT, model=own, threshold=0.1)


def test_something_of_an_unsure_page_is_kept_whatever_is_favoured(model):
    calibration = replace(model.stages.calibration, intercept=-4.0, least_best=-50.0, least_paragraphs=2)
    unsure = ParagraphModel(replace(model.stages, calibration=calibration))
    for favor in FAVORS:
        alone = unsure.predict_paragraphs(DOCUMENT, favor=favor)
        assert set(alone.labels) == {"content", "chrome"}
        assert list(unsure.predict_documents([DOCUMENT] * 9, favor=favor, n_jobs=2)) == [alone] * 9
    by_hand = unsure.predict_paragraphs(DOCUMENT, unsure.stages.thresholds["precision"], favor="precision")
    assert set(by_hand.labels) == {"chrome"}


def test_an_unknown_favor_is_named(model):
    with pytest.raises(ValueError, match="precision, balanced, recall, not 'speed'"):
        model.predict_paragraphs(DOCUMENT, favor="speed")


def test_without_kinds(model):
    predictions = model.predict_paragraphs(DOCUMENT, kinds=False)
    for keep in (["body"], ["other"], ["body", "other"], ["cookie"]):
        listed = [row["text"] for row in predictions.to_dicts(keep)]
        assert "\n\n".join(listed) == predictions.content(keep)
    assert predictions.to_dicts(["body", "other"]) == predictions.to_dicts()
    assert predictions.kinds is None
    assert {p.kind for p in predictions} == {None}
    assert predictions.labels == [
        "content" if p.p_content >= model.threshold else "chrome" for p in predictions
    ]
    assert "chrome" in repr(predictions)
    assert ">chrome<" in predictions._repr_html_()


def test_columns_and_rows_say_the_same(model):
    predictions = model.predict_paragraphs(DOCUMENT)
    assert [p.text for p in predictions] == list(predictions.texts)
    assert [(p.start, p.end) for p in predictions] == list(predictions.spans)
    assert [p.kind for p in predictions] == predictions.kinds
    assert predictions[1:3] == Predictions(
        predictions.texts[1:3],
        predictions.spans[1:3],
        predictions.labels[1:3],
        predictions.kinds[1:3],
        predictions.p_content[1:3],
    )


@pytest.mark.parametrize("kinds", [True, False])
def test_processes_change_nothing(model, kinds):
    documents = [DOCUMENT, "", ["a line", ""], *(f"{DOCUMENT}\n\nStory {i}" for i in range(1200))]
    alone = list(model.predict_documents(documents, kinds=kinds))
    assert list(model.predict_documents(iter(documents), kinds=kinds, n_jobs=2)) == alone
    with pytest.raises(TypeError, match="document must be"):
        list(model.predict_documents([DOCUMENT, b""], n_jobs=2))
