import copy
import datetime
import pickle
import subprocess
import sys
from decimal import Decimal

import pandas as pd
import pytest

pytest.importorskip("pyarrow")

import pyarrow as pa

from dechrome import annotate, clean_text, predict_paragraphs
from dechrome.errors import InputError
from dechrome.integrations.arrow import ArrowLabeler
from dechrome.prediction import SHIPPED_MODEL
from layouts import BODY, CAPTION, COOKIE, LAST, LEAD, TEASER, TITLE

STORY = "\n\n".join([TITLE, LEAD, CAPTION, BODY, TEASER, LAST, COOKIE])
LINES = "Parlamentet sade ja till den nya lagen om högre skatter på måndagen.\nLäs mer\nÅtta 😀 öar.\n"
TEXTS = [STORY, None, LINES, "", f"{COOKIE}\n\nAccept all"]
SETTINGS = [
    {},
    {"columns": ["content", "paragraphs"]},
    {"columns": ["paragraphs"], "keep": ["cookie"], "prefix": "d_"},
    {"explode": True},
    {"explode": True, "keep": ["headline", "body"], "prefix": "d_"},
    {"favor": "recall"},
    {"threshold": 0.0},
]
#: What other columns may hold, none of which is touched.
OTHERS = {
    "dictionary": pa.array(["a", "b", None, "a", "b"]).dictionary_encode(),
    "timestamp": pa.array([datetime.datetime(2026, 1, d) for d in (1, 2, 3, 4, 5)], pa.timestamp("us", "UTC")),
    "decimal": pa.array([Decimal("1.50"), None, Decimal("-2.25"), Decimal("0"), Decimal("9.99")], pa.decimal128(12, 2)),
    "nested": pa.array([{"a": [1, 2], "b": {"c": "x"}}, None, {"a": [], "b": None}, {"a": None, "b": {"c": ""}}, None]),
    "map": pa.array([[("k", 1)], [], None, [], []], pa.map_(pa.string(), pa.int8())),
    "large": pa.array(["a", None, "c", "d", "e"], pa.large_string()),
    "bytes": pa.array([b"\xff", b"", None, b"a", b"b"], pa.binary()),
    "fixed": pa.array([[1.0, 2.0]] * 5, pa.list_(pa.float16(), 2)),
    "flag": pa.array([True, None, False, True, True]),
    "small": pa.array([1, 2, None, 4, 5], pa.uint8()),
    "date": pa.array([datetime.date(2026, 1, d) for d in (1, 2, 3, 4, 5)], pa.date32()),
    "duration": pa.array([1, 2, 3, None, 5], pa.duration("ms")),
    "nothing": pa.nulls(5),
}  # fmt: skip


def table_of(texts=TEXTS, type=None, **others):
    return pa.table(
        {"text": pa.array(texts, type or pa.string()), "n": pa.array(range(len(texts)), pa.int64()), **others}
    )


def contents(texts):
    return [None if text is None else clean_text(text) for text in texts]


def rows_of(frame):
    rows = frame.astype(object)
    return list(rows.where(rows.notna(), None).itertuples(index=False, name=None))


# --- tables, batches, streams ----------------------------------------------------------------------


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_table_says_what_a_frame_says(settings):
    found = ArrowLabeler(**settings)(table_of())
    frame = pd.DataFrame({"text": pd.Series(TEXTS, dtype=object), "n": range(len(TEXTS))})
    expected = annotate(frame, **settings)
    assert found.column_names == list(expected.columns)
    assert [tuple(row.values()) for row in found.to_pylist()] == rows_of(expected)


def test_a_table_says_what_the_library_says():
    found = ArrowLabeler(columns=["content", "paragraphs"])(table_of())
    assert found["content"].to_pylist() == contents(TEXTS)
    assert found["paragraphs"].to_pylist() == [
        None if text is None else predict_paragraphs(text).to_dicts() for text in TEXTS
    ]


@pytest.mark.parametrize("settings", SETTINGS)
def test_batches_and_streams_say_what_a_table_says(settings):
    labeler, table = ArrowLabeler(**settings), table_of()
    expected = labeler(table)
    (batch,) = table.to_batches()
    found = labeler(batch)
    assert isinstance(found, pa.RecordBatch)
    assert pa.Table.from_batches([found]).equals(expected)
    batches = [batch.slice(0, 1), batch.slice(1, 1), batch.slice(2, 0), batch.slice(2)]
    stream = list(labeler(iter(batches)))
    assert all(isinstance(found, pa.RecordBatch) for found in stream)
    assert pa.Table.from_batches(stream).equals(expected)
    assert list(labeler(iter([]))) == []


def test_a_stream_is_read_as_it_is_needed():
    def batches():
        yield from table_of([STORY]).to_batches()
        pytest.fail("it read ahead")

    assert next(ArrowLabeler()(batches())).column("content").to_pylist() == [clean_text(STORY)]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("texts", [[], [None, None], [""]])
def test_the_schema_is_the_same_whatever_the_rows(settings, texts):
    labeler, table = ArrowLabeler(**settings), table_of(texts)
    expected = labeler.schema(table.schema)
    assert labeler(table).schema == expected
    assert labeler(table_of()).schema == expected
    batch = pa.RecordBatch.from_arrays([c.combine_chunks() for c in table.columns], schema=table.schema)
    assert labeler(batch).schema == expected
    assert [found.schema for found in labeler(iter([batch]))] == [expected]


def test_schema_names_the_columns_and_their_types():
    assert ArrowLabeler(columns=["content", "paragraphs"]).schema(table_of().schema) == pa.schema(
        {
            "text": pa.string(),
            "n": pa.int64(),
            "content": pa.string(),
            "paragraphs": pa.list_(
                pa.struct(
                    {"text": pa.string(), "start": pa.int64(), "end": pa.int64(), "label": pa.string(),
                     "kind": pa.string(), "p_content": pa.float64()}
                )
            ),
        }
    )  # fmt: skip
    assert ArrowLabeler(explode=True).schema(table_of().schema) == pa.schema(
        {"n": pa.int64(), "paragraph": pa.int64(), "text": pa.string(), "start": pa.int64(), "end": pa.int64(),
         "label": pa.string(), "kind": pa.string(), "p_content": pa.float64()}
    )  # fmt: skip


# --- the text column -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["string", "large_string", "string_view", "dictionary"])
def test_texts_may_be_any_kind_of_string(name):
    table = table_of()
    kind = pa.dictionary(pa.int32(), pa.string()) if name == "dictionary" else getattr(pa, name)()
    texts = (
        table["text"].dictionary_encode()
        if name == "dictionary"
        else pa.chunked_array([pa.array(TEXTS, kind)])
    )
    found = ArrowLabeler()(table.set_column(0, "text", texts))
    assert found.schema.field("text").type == kind
    assert found["content"].to_pylist() == contents(TEXTS)


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.string()), pa.large_list(pa.large_string()), pa.list_(pa.string(), 2)]
)
def test_lists_are_taken_as_the_paragraphs(kind):
    documents = [[LEAD, COOKIE], None, ["", "Accept all"]]
    labeler = ArrowLabeler(columns=["content", "paragraphs"])
    found = labeler(table_of(documents, kind))
    assert found.schema.field("text").type == kind
    assert found["content"].to_pylist() == contents(documents)
    assert [[p["start"] for p in listed or ()] for listed in found["paragraphs"].to_pylist()] == [
        [None] * 2,
        [],
        [None] * 2,
    ]
    rows = ArrowLabeler(explode=True)(table_of(documents, kind))
    assert rows.select(["n", "text", "start"]).to_pylist() == [
        {"n": n, "text": text, "start": None} for n in (0, 2) for text in documents[n]
    ]


def test_a_column_of_nulls_gives_nulls():
    assert ArrowLabeler()(pa.table({"text": pa.nulls(3)}))["content"].to_pylist() == [None] * 3
    assert ArrowLabeler(explode=True)(pa.table({"text": pa.nulls(3)})).num_rows == 0


@pytest.mark.parametrize("settings", SETTINGS)
def test_chunks_change_nothing(settings):
    whole = table_of(**OTHERS)
    chunked = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 0), whole.slice(1, 3), whole.slice(4)])
    assert chunked["text"].num_chunks > 1
    labeler = ArrowLabeler(**settings)
    assert labeler(chunked).equals(labeler(whole))
    assert labeler(whole.slice(2)).equals(labeler(whole.slice(2).combine_chunks()))


@pytest.mark.parametrize("explode", [False, True])
def test_a_table_may_have_no_other_column(explode):
    labeler = ArrowLabeler(explode=explode)
    table = table_of().select(["text"])
    assert labeler(table).equals(labeler(table_of()).drop_columns("n"))
    assert labeler(table.slice(0, 0)).num_rows == 0


@pytest.mark.parametrize("explode", [False, True])
def test_a_missing_column_is_named_with_those_that_are_there(explode):
    for batch in (table_of(), table_of().to_batches()[0]):
        with pytest.raises(ValueError, match="no column 'body'; the table has text, n"):
            ArrowLabeler("body", explode=explode)(batch)
    with pytest.raises(ValueError, match="no column 'body'"):
        list(ArrowLabeler("body", explode=explode)(iter(table_of().to_batches())))


@pytest.mark.parametrize("texts", [[1, 2], [b"bytes"], [{"a": 1}], [["a", None]]])
def test_what_is_no_text_is_a_type_error(texts):
    with pytest.raises(TypeError, match="must be str"):
        ArrowLabeler()(pa.table({"text": texts}))


# --- the other columns -----------------------------------------------------------------------------


@pytest.mark.parametrize("settings", SETTINGS)
def test_other_columns_keep_types_values_and_metadata(settings):
    table = table_of(**OTHERS)
    fields = [field.with_metadata({"of": field.name}) for field in table.schema]
    table = table.cast(pa.schema(fields, {"made": "here"}))
    found = ArrowLabeler(**settings)(table)
    assert found.schema.metadata == {b"made": b"here"}
    parents = found["n"].to_pylist() if settings.get("explode") else range(5)
    for name in OTHERS:
        assert found.schema.field(name).equals(table.schema.field(name), check_metadata=True), name
        assert found[name].to_pylist() == [table[name][n].as_py() for n in parents], name
    found.validate(full=True)


@pytest.mark.parametrize(
    ("taken", "settings"),
    [
        ("content", {}),
        ("d_paragraphs", {"columns": ["paragraphs"], "prefix": "d_"}),
        ("kind", {"explode": True}),
    ],
)
def test_a_column_that_is_there_already_is_refused(taken, settings):
    with pytest.raises(InputError, match=f"'{taken}' is there already"):
        ArrowLabeler(**settings)(table_of(**{taken: pa.nulls(5)}))


def test_wrong_settings_are_refused_when_they_are_given():
    with pytest.raises(InputError, match="unknown kinds 'cookies'"):
        ArrowLabeler(keep=["cookies"])
    with pytest.raises(InputError, match="columns must be"):
        ArrowLabeler(columns=["labels"])


# --- other processes -------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [*SETTINGS, {"model": str(SHIPPED_MODEL)}])
def test_it_is_pickled_without_its_model(settings):
    labeler = ArrowLabeler(**settings)
    expected = labeler(table_of())
    pickled = pickle.dumps(labeler)
    assert len(pickled) < 2000
    for other in (pickle.loads(pickled), copy.deepcopy(labeler)):
        assert other(table_of()).equals(expected)


def test_another_process_makes_the_same_of_it(tmp_path):
    labeler = ArrowLabeler(columns=["content", "paragraphs"], model=str(SHIPPED_MODEL))
    (tmp_path / "work").write_bytes(pickle.dumps((labeler, table_of())))
    code = "import pickle, sys; labeler, table = pickle.load(open('work', 'rb')); pickle.dump(labeler(table), sys.stdout.buffer)"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True)
    assert pickle.loads(result.stdout).equals(labeler(table_of()))


def test_a_model_is_read_once(monkeypatch):
    from dechrome.integrations import arrow

    arrow._load.cache_clear()
    read = []
    monkeypatch.setattr(
        arrow, "load_model", lambda path, load=arrow.load_model: read.append(path) or load(path)
    )
    for _ in range(3):
        ArrowLabeler(model=str(SHIPPED_MODEL))(table_of())
        ArrowLabeler()(table_of())
    assert read == [str(SHIPPED_MODEL), None]
    arrow._load.cache_clear()
