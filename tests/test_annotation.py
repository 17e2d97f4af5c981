import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dechrome import KINDS, annotate, clean_text, load_model, predict_paragraphs
from dechrome.annotation import Annotation, add_columns, new_arrow_fields
from dechrome.errors import InputError
from dechrome.prediction import SHIPPED_MODEL
from dechrome.results import COLUMNS
from layouts import BODY, CAPTION, COOKIE, LAST, LEAD, TEASER, TITLE

STORY = "\n\n".join([TITLE, LEAD, CAPTION, BODY, TEASER, LAST, COOKIE])
CHROME = f"{COOKIE}\n\nAccept all"
LINES = "Parlamentet sade ja till den nya lagen om högre skatter på måndagen.\nLäs mer\nÅtta 😀 öar.\n"
PARAGRAPHS = [TITLE, LEAD, "", COOKIE]
DOCUMENTS = [STORY, None, LINES, "", PARAGRAPHS, CHROME]
EXPLODED = {
    "paragraph": "int64", "text": "str", "start": "Int64", "end": "Int64", "label": "str", "kind": "str",
    "p_content": "float64",
}  # fmt: skip


def frame_of(documents, **others):
    return pd.DataFrame({"text": pd.Series(documents, dtype=object), **others})


def cleaned(document):
    return None if document is None else clean_text(document)


def listed(document, keep=None):
    return None if document is None else predict_paragraphs(document).to_dicts(keep)


def exploded(documents, keep=None):
    """(row, paragraph, text, start, ...) of every paragraph that is kept."""
    return [
        (row, number, *p.values())
        for row, document in enumerate(documents)
        for number, p in enumerate(listed(document) or ())
        if keep is None or p["kind"] in keep
    ]


def rows_of(frame, names):
    """Rows as tuples, missing values as None."""
    rows = frame[list(names)].astype(object)
    return list(rows.where(rows.notna(), None).itertuples(index=False, name=None))


# --- Annotation ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns", [(), ("contents",), ("content", "text"), ("content", "content"), "content"]
)
def test_unknown_columns_are_refused(columns):
    with pytest.raises(InputError, match="columns must be content, paragraphs or both"):
        Annotation(tuple(columns))
    with pytest.raises(InputError, match="columns must be content, paragraphs or both"):
        annotate(frame_of(DOCUMENTS), columns=columns)


@pytest.mark.parametrize("keep", [["headlines"], ["body", "cookies"], "body"])
def test_unknown_kinds_are_refused(keep):
    with pytest.raises(InputError, match=r"keep has unknown kinds .*; known: headline, body"):
        annotate(frame_of(DOCUMENTS), keep=keep)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ("content",)),
        ({"columns": ("paragraphs", "content")}, ("paragraphs", "content")),
        ({"prefix": "d_"}, ("d_content",)),
        ({"explode": True}, ("paragraph", *COLUMNS)),
        ({"explode": True, "prefix": "d_"}, ("d_paragraph", *(f"d_{name}" for name in COLUMNS))),
    ],
)
def test_names_of_the_new_fields(settings, names):
    assert Annotation(**settings).new_fields == names


def test_a_field_that_is_there_already_is_refused_but_for_the_text_that_explode_replaces():
    Annotation().check(["text", "id", "paragraphs"])
    Annotation(explode=True).check(["text", "id", "content"])
    Annotation(prefix="d_").check(["text", "content"])
    with pytest.raises(InputError, match="'content' is there already"):
        Annotation().check(["content", "text"])
    with pytest.raises(InputError, match="'content' is there already"):
        Annotation(text_field="content").check([])
    with pytest.raises(InputError, match="'d_paragraphs' is there already"):
        Annotation(("content", "paragraphs"), prefix="d_").check({"d_paragraphs": 1})
    with pytest.raises(InputError, match="'text', 'kind' is there already"):
        Annotation(explode=True, text_field="body").check(["text", "body", "kind"])


@pytest.mark.parametrize("keep", [None, ["cookie"], KINDS])
def test_values_are_those_of_the_predictions(keep):
    predictions = predict_paragraphs(STORY)
    content = predictions.content() if keep is None else predictions.content(keep)
    made = Annotation(("content", "paragraphs"), keep=keep)
    assert made.document_values(predictions) == [content, predictions.to_dicts(keep)]
    assert made.document_values(None) == [None, None]
    assert [(0, *row) for row in made.paragraph_values(predictions)] == exploded([STORY], keep)
    assert list(made.paragraph_values(None)) == []


def test_a_paragraph_keeps_its_number_when_others_are_left_out():
    kinds = predict_paragraphs(STORY).kinds
    rows = list(Annotation(keep=["cookie"]).paragraph_values(predict_paragraphs(STORY)))
    assert [row[0] for row in rows] == [i for i, kind in enumerate(kinds) if kind == "cookie"] != []


# --- a frame ---------------------------------------------------------------------------------------


def test_content_is_what_the_library_says():
    found = annotate(frame_of(DOCUMENTS))
    assert found["content"].tolist() == [cleaned(document) for document in DOCUMENTS]
    assert list(found.columns) == ["text", "content"]


def test_paragraphs_are_what_the_library_says():
    found = annotate(frame_of(DOCUMENTS), columns=["paragraphs", "content"])
    assert list(found.columns) == ["text", "paragraphs", "content"]
    assert found["paragraphs"].tolist() == [listed(document) for document in DOCUMENTS]
    assert found["content"].tolist() == [cleaned(document) for document in DOCUMENTS]


@pytest.mark.parametrize("explode", [False, True])
def test_rows_keep_their_order_and_columns_their_types(explode):
    n = len(DOCUMENTS)
    frame = frame_of(
        DOCUMENTS,
        id=np.arange(n, dtype="int8")[::-1],
        site=pd.Categorical(list("abcabc")),
        score=np.linspace(0, 1, n, dtype="float32"),
        read=pd.array([1, None, 3, 4, None, 6], "Int16"),
        day=pd.date_range("2026-01-01", periods=n, tz="Europe/Stockholm"),
        is_new=[True, False] * (n // 2),
        month=pd.period_range("2026-01", periods=n, freq="M"),
        tags=[["a"], [], None, ["b", "c"], [], []],
        name=pd.array(list("uvwxyz"), "string"),
    ).set_index(pd.Index([5, 3, 9, 0, 7, 1], name="key"))
    before = frame.copy(deep=True)
    found = annotate(frame, explode=explode)
    pd.testing.assert_frame_equal(frame, before)
    old = frame.drop(columns="text") if explode else frame
    parents = [row for row, *_ in exploded(DOCUMENTS)] if explode else range(n)
    pd.testing.assert_frame_equal(found[list(old.columns)], old.iloc[list(parents)])
    assert found.index.name == "key"


@pytest.mark.parametrize("dtype", ["object", "string", "str"])
def test_missing_values_give_missing_values(dtype):
    frame = pd.DataFrame({"text": pd.Series([STORY, None, "", None], dtype=dtype)})
    found = annotate(frame, columns=["content", "paragraphs"])
    assert found["text"].dtype == frame["text"].dtype
    assert found["content"].tolist() == [clean_text(STORY), None, "", None]
    assert found["paragraphs"].tolist() == [listed(STORY), None, [], None]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, float("nan")])
def test_every_kind_of_missing_is_missing(missing):
    found = annotate(frame_of([missing, STORY, missing], n=[1, 2, 3]))
    assert found["content"].tolist() == [None, clean_text(STORY), None]
    assert annotate(frame_of([missing, CHROME], n=[1, 2]), explode=True)["n"].tolist() == [2, 2]


def test_only_missing_values_are_no_error():
    frame = pd.DataFrame({"text": [np.nan, np.nan]})
    assert annotate(frame)["content"].tolist() == [None, None]
    assert annotate(frame, explode=True).empty


@pytest.mark.parametrize(
    "make", [list, tuple, lambda paragraphs: np.array(paragraphs, dtype=object), np.array]
)
def test_a_list_is_taken_as_the_paragraphs(make):
    found = annotate(frame_of([make(PARAGRAPHS), make(["Accept\n\nall"]), STORY]), columns=["paragraphs"])
    assert found["paragraphs"].tolist() == [listed(PARAGRAPHS), listed(["Accept\n\nall"]), listed(STORY)]
    assert [p["start"] for p in found["paragraphs"][0]] == [None] * len(PARAGRAPHS)


def test_lists_that_were_read_from_parquet_are_paragraphs(tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"text": [PARAGRAPHS, None, []]}).to_parquet(tmp_path / "lists.parquet")
    found = annotate(pd.read_parquet(tmp_path / "lists.parquet"))
    assert found["content"].tolist() == [clean_text(PARAGRAPHS), None, ""]


@pytest.mark.parametrize("value", [3, 2.5, b"bytes", {"a": 1}, [LEAD, None], np.array([1, 2]), {LEAD}])
def test_what_is_no_text_is_a_type_error(value):
    with pytest.raises(TypeError, match="must be str"):
        annotate(frame_of([STORY, value]))


def test_an_unknown_column_is_a_key_error():
    with pytest.raises(KeyError, match="body"):
        annotate(frame_of(DOCUMENTS), "body")


def test_two_columns_of_one_name_are_refused():
    frame = pd.DataFrame([[STORY, CHROME], [CHROME, STORY]], columns=["text", "text"])
    with pytest.raises(InputError, match="several columns are named 'text'"):
        annotate(frame)


@pytest.mark.parametrize(
    ("taken", "settings"),
    [
        ("content", {}),
        ("paragraphs", {"columns": ["content", "paragraphs"]}),
        ("d_content", {"prefix": "d_"}),
        ("kind", {"explode": True}),
        ("paragraph", {"explode": True}),
    ],
)
def test_a_column_that_is_there_already_is_refused(taken, settings):
    frame = frame_of(DOCUMENTS, **{taken: range(len(DOCUMENTS))})
    with pytest.raises(InputError, match=f"'{taken}' is there already"):
        annotate(frame, **settings)


def test_a_prefix_avoids_the_collision():
    frame = frame_of(DOCUMENTS, content=range(len(DOCUMENTS)))
    found = annotate(frame, prefix="d_")
    assert found["content"].tolist() == list(range(len(DOCUMENTS)))
    assert found["d_content"].tolist() == [cleaned(document) for document in DOCUMENTS]


def test_keep_decides_what_content_and_paragraphs_are():
    found = annotate(frame_of(DOCUMENTS), columns=["content", "paragraphs"], keep=["cookie"])
    assert found["content"].tolist() == [
        None if document is None else clean_text(document, ["cookie"]) for document in DOCUMENTS
    ]
    assert found["paragraphs"].tolist() == [listed(document, ["cookie"]) for document in DOCUMENTS]


def test_the_text_may_be_another_column():
    frame = frame_of(DOCUMENTS).rename(columns={"text": "body"}).assign(text="not this")
    found = annotate(frame, "body")
    assert found["content"].tolist() == [cleaned(document) for document in DOCUMENTS]
    with pytest.raises(InputError, match="'text' is there already"):
        annotate(frame, "body", explode=True)
    assert annotate(frame, "body", explode=True, prefix="p_")["text"].unique().tolist() == ["not this"]


# --- explode ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [None, ["headline", "body"], ["cookie"]])
@pytest.mark.parametrize("prefix", ["", "d_"])
def test_explode_gives_a_row_for_each_paragraph(keep, prefix):
    frame = frame_of(DOCUMENTS, n=range(len(DOCUMENTS)))
    found = annotate(frame, explode=True, keep=keep, prefix=prefix)
    new = [prefix + name for name in EXPLODED]
    assert list(found.columns) == ["n", *new]
    assert rows_of(found, ["n", *new]) == exploded(DOCUMENTS, keep)
    assert found.index.tolist() == found["n"].tolist()


def test_explode_places_each_paragraph_in_its_document():
    for n, start, end, text in rows_of(
        annotate(frame_of([STORY, LINES, CHROME], n=range(3)), explode=True), ["n", "start", "end", "text"]
    ):
        assert [STORY, LINES, CHROME][n][start:end] == text


@pytest.mark.parametrize("documents", [DOCUMENTS, [PARAGRAPHS], [STORY], [None, ""], []])
def test_explode_has_the_same_types_whatever_the_documents(documents):
    found = annotate(frame_of(documents), explode=True)
    for name, dtype in EXPLODED.items():
        if dtype != "str":
            assert found[name].dtype == dtype, name


# --- odd frames ------------------------------------------------------------------------------------


@pytest.mark.parametrize("explode", [False, True])
def test_an_empty_frame_stays_empty(explode):
    frame = frame_of([], n=pd.array([], "Int8"))
    found = annotate(frame, explode=explode, columns=["content", "paragraphs"])
    assert len(found) == 0
    new = EXPLODED if explode else ("content", "paragraphs")
    assert list(found.columns) == ["n" if explode else "text", *(["n"] if not explode else []), *new]
    assert found["n"].dtype == "Int8"


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([7, 7, 7, 0, 0, 7]),
        pd.Index(list("aabbaa"), name="key"),
        pd.MultiIndex.from_arrays([list("aabbaa"), [1, 1, 1, 2, 2, 2]], names=["x", "y"]),
        pd.DatetimeIndex(["2026-01-01"] * 6),
    ],
)
def test_an_index_may_hold_duplicates(index):
    frame = frame_of(DOCUMENTS, n=range(len(DOCUMENTS))).set_index(index)
    found = annotate(frame)
    pd.testing.assert_index_equal(found.index, index)
    assert found["content"].tolist() == [cleaned(document) for document in DOCUMENTS]
    rows = annotate(frame, explode=True)
    assert rows_of(rows, ["n", *EXPLODED]) == exploded(DOCUMENTS)
    pd.testing.assert_index_equal(rows.index, index[rows["n"].to_numpy()])


# --- settings of the model -------------------------------------------------------------------------


def test_the_model_and_its_threshold_can_be_named():
    frame = frame_of(DOCUMENTS)
    expected = annotate(frame, columns=["paragraphs"])
    for model in (load_model(), SHIPPED_MODEL, str(SHIPPED_MODEL)):
        assert annotate(frame, columns=["paragraphs"], model=model).equals(expected)
    everything = annotate(frame_of([STORY, CHROME]), threshold=0.0)
    assert everything["content"].tolist() == [STORY, CHROME]
    for favor in ("precision", "recall"):
        found = annotate(frame_of([STORY, LINES]), favor=favor)["content"].tolist()
        assert found == [clean_text(STORY, favor=favor), clean_text(LINES, favor=favor)]
    for wrong in ({"favor": "speed"}, {"threshold": 2.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            annotate(frame, **wrong)
    with pytest.raises(TypeError, match="model must be"):
        annotate(frame, model=3)


def test_processes_change_nothing():
    frame = frame_of(DOCUMENTS * 30)
    columns = ["content", "paragraphs"]
    pd.testing.assert_frame_equal(
        annotate(frame, columns=columns, n_jobs=2), annotate(frame, columns=columns)
    )


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.none()
        | st.text(max_size=60)
        | st.lists(st.text(max_size=20), max_size=4)
        | st.sampled_from([STORY, CHROME, LINES]),
        max_size=8,
    )
)
def test_any_documents_give_what_each_gives_alone(documents):
    frame = frame_of(documents, n=range(len(documents)))
    found = annotate(frame, columns=["content", "paragraphs"])
    assert found["content"].tolist() == [cleaned(document) for document in documents]
    assert found["paragraphs"].tolist() == [listed(document) for document in documents]
    assert rows_of(annotate(frame, explode=True), ["n", *EXPLODED]) == exploded(documents)


# --- an Arrow table --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "made",
    [
        Annotation(),
        Annotation(("content", "paragraphs"), prefix="d_"),
        Annotation(("paragraphs",), keep=["cookie"]),
        Annotation(explode=True),
        Annotation(explode=True, keep=["body"], prefix="d_"),
    ],
)
@pytest.mark.parametrize("n", [0, 3])
def test_add_columns_says_what_a_frame_says(made, n):
    pa = pytest.importorskip("pyarrow")
    documents = [STORY, None, LINES][:n]
    table = pa.table({"text": pa.array(documents, pa.string()), "n": pa.array(range(n), pa.int8())})
    predictions = [None if document is None else predict_paragraphs(document) for document in documents]
    found = add_columns(table, predictions, made)
    old = [field for field in table.schema if not (made.explode and field.name == "text")]
    assert list(found.schema) == [*old, *new_arrow_fields(made)]
    expected = annotate(
        frame_of(documents, n=range(n)), columns=made.columns, keep=made.keep, explode=made.explode, prefix=made.prefix
    )  # fmt: skip
    assert [tuple(row.values()) for row in found.to_pylist()] == rows_of(expected, expected.columns)
