"""What the tests expect of the shipped model, set anew after it or its seeds have changed.

    python benchmarks/expectations.py

Writes tests/quality_floor.json (a little below what the model reaches on held-out seeds), marks the cases of
tests/cases that it gets wrong as known errors, and copies tables of data/results into README.md. Read the
difference before you commit it.
"""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

from dechrome import predict_paragraphs
from dechrome.artefact import read_model
from dechrome.evaluation.measures import (
    evaluate_documents,
    evaluate_kinds,
    evaluate_paragraphs,
    score_documents,
)
from dechrome.labels import CONTENT_KINDS, KINDS
from dechrome.prediction import SHIPPED_MODEL
from dechrome.training.building import document_from_seed
from dechrome.training.corpus import corpus_digest
from dechrome.training.seeds import read_seeds

_ROOT = Path(__file__).parents[1]
_FLOOR_KINDS = ("headline", "body", "cookie", "caption", "macro chrome")


def _below(value: float, margin: float) -> float:
    return max(0.0, math.floor((value - margin) * 100) / 100)


def set_floor() -> None:
    """Measure the shipped model on held-out seeds and write the floor."""
    documents = [document_from_seed(seed) for seed in read_seeds(_ROOT / "seeds")]
    documents = [document for document in documents if document.split == "development"]
    scored = score_documents(read_model(SHIPPED_MODEL), documents)
    kinds = evaluate_kinds(scored)
    languages: dict[str, float] = {}
    for language in sorted({document.language for document in documents}):
        mine = [item for item in scored if item.document.language == language]
        if len(mine) >= 2:
            languages[language] = _below(evaluate_paragraphs(mine)["accuracy"], 0.01)
    floor = {
        "digest": corpus_digest(documents),
        "paragraph_accuracy": _below(evaluate_paragraphs(scored)["accuracy"], 0.005),
        "document_f1": _below(evaluate_documents(scored).f1.mean(), 0.01),
        "kinds": {kind: _below(kinds.loc[kind, "f1"], 0.01) for kind in _FLOOR_KINDS},
        "languages": languages,
    }
    text = json.dumps(floor, indent=1) + "\n"
    (_ROOT / "tests" / "quality_floor.json").write_text(text, encoding="utf-8")
    print(text)


def mark_cases() -> None:
    """Run every written case and note whether the model gets it right."""
    right = right_label = total = 0
    for kind in KINDS:
        path = _ROOT / "tests" / "cases" / f"{kind}.json"
        cases = json.loads(path.read_text(encoding="utf-8"))
        for case in cases:
            found = predict_paragraphs(case["paragraphs"])[case["position"]]
            case["expect"] = "pass" if found.kind == case["expected"] else "fail"
            right += found.kind == case["expected"]
            right_label += (found.label == "content") == (case["expected"] in CONTENT_KINDS)
            total += 1
        path.write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{total} cases, {right} right by kind, {right_label} by label")


def copy_tables() -> None:
    """Put the tables of the last evaluation and comparison between the marks in README.md."""
    copied = (
        ("results", "documents"), ("independent", "documents"), ("results", "presets"), ("results", "shapes"),
        ("results", "kinds"), ("accuracy", "tool"), ("speed", "tool"),
    )  # fmt: skip
    tables = []
    for name, head in copied:
        text = (_ROOT / "data" / "results" / f"{name}.md").read_text(encoding="utf-8")
        tables.append(_table(text, f"| {head} "))
    readme = _ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    mark, end = "<!-- written by benchmarks/expectations.py: results -->\n", "<!-- end -->"
    before, rest = text.split(mark)
    after = rest.split(end, 1)[1]
    readme.write_text(before + mark + "\n" + "\n\n".join(tables) + "\n\n" + end + after, encoding="utf-8")


def _table(text: str, head: str) -> str:
    """The Markdown table whose first line begins with ``head``."""
    lines = text[text.index("\n" + head) + 1 :].split("\n")
    return "\n".join(itertools.takewhile(lambda line: line.startswith("|"), lines))


if __name__ == "__main__":
    set_floor()
    mark_cases()
    copy_tables()
