"""What a reader makes of short documents, from their text alone.

    python benchmarks/blind_reading.py draw CORPUS -o reading
    python benchmarks/blind_reading.py count CORPUS -o data/results/blind_reading.md

`draw` writes, for each shape, a text file to read and a list of what its texts are put together from. A
reader who sees neither label nor model decides for every numbered paragraph, the last ones of each text. The
items of the lists, with the answers as `labels` (number of the paragraph: content or chrome) in the place of
their `number`, are data/blind_readings.jsonl. `count` judges reader and shipped model by the corpus's labels.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from dechrome.artefact import read_model
from dechrome.evaluation.measures import Parts, draw_shapes, join_parts, score_documents
from dechrome.evaluation.tables import is_whole_article
from dechrome.prediction import SHIPPED_MODEL
from dechrome.training.corpus import ONE_SIDED_SOURCES, Document, read_corpus, text_hash

_READINGS = Path("data/blind_readings.jsonl")
_DRAWN = {"same page": 64, "other language": 48, "single": 240}
#: Of an article with leftovers, the reader sees the first paragraphs and judges the last ones.
_SHOWN, _JUDGED = 4, 8


def draw(documents: Sequence[Document], random_state: int = 0) -> dict[str, list[Parts]]:
    """Some documents of each shape."""
    rng = np.random.default_rng(random_state)
    shapes = draw_shapes(documents)
    return {
        shape: [shapes[shape][i] for i in rng.choice(len(shapes[shape]), size, replace=False)]
        for shape, size in _DRAWN.items()
    }


def show(number: int, document: Document) -> str:
    """A document as the reader sees it."""
    first = max(0, len(document.paragraphs) - _JUDGED)
    lines = [f"##### {number}", *(f"    {text[:300]}" for text in document.paragraphs[: min(_SHOWN, first)])]
    lines += [f"[{i}] {document.paragraphs[i][:500]}" for i in range(first, len(document.paragraphs))]
    return "\n".join(lines) + "\n"


def find_text(reading: dict[str, Any], documents: dict[str, Document]) -> Document:
    """The text that was read; KeyError or ValueError if the corpus has it no more."""
    text = join_parts([(documents[name], positions) for name, positions in reading["parts"]])
    if text_hash("\n".join(text.paragraphs)) != reading["text_hash"]:
        raise ValueError(f"{text.document_id}: other paragraphs than were read; draw and read anew.")
    return text


def score(is_content: npt.NDArray[np.bool_], judged: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Precision, recall and F1 of chrome, and macro F1."""
    from sklearn.metrics import f1_score, precision_score, recall_score

    return {
        "chrome precision": precision_score(~is_content, ~judged),
        "chrome recall": recall_score(~is_content, ~judged),
        "chrome F1": f1_score(~is_content, ~judged),
        "macro F1": f1_score(is_content, judged, average="macro"),
    }


def count(readings: Sequence[dict[str, Any]], documents: dict[str, Document]) -> pd.DataFrame:
    """How reader and shipped model do, by shape."""
    rows = {}
    for shape in _DRAWN:
        mine = [reading for reading in readings if reading["shape"] == shape]
        scored = score_documents(read_model(SHIPPED_MODEL), [find_text(r, documents) for r in mine])
        answers = [
            (item.document.labels[int(i)] == "content", said == "content", item.is_kept[int(i)])
            for reading, item in zip(mine, scored, strict=True)
            for i, said in reading["labels"].items()
            if item.document.labels[int(i)] is not None
        ]
        is_content, read, kept = np.array(answers, np.bool_).T
        for name, judged in (("reader", read), ("shipped model", kept)):
            counts = {"documents": len(mine), "paragraphs": len(answers)}
            rows[shape, name] = counts | score(is_content, judged)
    return pd.DataFrame.from_dict(rows, orient="index")


def main() -> None:
    """Draw or count, as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["draw", "count"])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    documents = [d for d in read_corpus(args.corpus) if d.split == "development"]
    if args.step == "count":
        readings = [json.loads(line) for line in _READINGS.read_text(encoding="utf-8").splitlines()]
        table = count(readings, {d.document_id: d for d in documents})
        header = "| shape | judged by | " + " | ".join(table.columns) + " |\n" + "|---" * 8 + "|\n"
        rows = [
            f"| {shape} | {name} | {row.documents:.0f} | {row.paragraphs:.0f} | "
            + " | ".join(f"{value:.3f}" for value in row.iloc[2:])
            + " |\n"
            for (shape, name), row in table.iterrows()
        ]
        args.output.write_text(
            "# A reader and the model on short documents\n\nWritten by `python benchmarks/blind_reading.py "
            f"count CORPUS -o {args.output.as_posix()}`. The reader, a language model, saw text alone. "
            f"Judged are the last {_JUDGED} paragraphs of each document.\n\n"
            f"{header}{''.join(rows)}",
            encoding="utf-8",
        )
        return
    args.output.mkdir(parents=True, exist_ok=True)
    articles = [d for d in documents if d.source not in ONE_SIDED_SOURCES and is_whole_article(d)]
    for shape, drawn in draw(articles).items():
        texts, items = [], []
        for number, parts in enumerate(drawn):
            text = join_parts(parts)
            texts.append(show(number, text))
            items.append(
                {
                    "shape": shape, "number": number, "text_hash": text_hash("\n".join(text.paragraphs)),
                    "parts": [(document.document_id, positions) for document, positions in parts],
                }
            )  # fmt: skip
        name = shape.replace(" ", "_")
        (args.output / f"{name}.txt").write_text("\n".join(texts), encoding="utf-8")
        (args.output / f"{name}.jsonl").write_text(
            "".join(json.dumps(item) + "\n" for item in items), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
