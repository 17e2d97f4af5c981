"""Automatic labels against labels decided by reading, by source and by kind.

    python benchmarks/labels.py CORPUS -o data/results/labels.md [--before OLDER]

CORPUS (and OLDER, made by earlier labelling rules) must be built without --labels, so that they hold
what the rules say alone.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from dechrome.labels import CHROME_KINDS, CONTENT_KINDS
from dechrome.training.building import ReadLabels, read_labels

#: Pages read from end to end; paragraphs drawn one by one would make the rules look worse than they are.
_LABELS = Path(__file__).parents[1] / "data" / "labelled" / "whole_pages.jsonl"
_COLUMNS = ["document_id", "source", "paragraphs", "labels", "kinds"]


def compare(path: Path, decided: dict[str, list[ReadLabels]]) -> tuple[Counter, Counter]:  # type: ignore[type-arg]
    """Count (source, automatic label, read label) and (automatic kind, read kind) of chrome."""
    labels: Counter[tuple[str, str | None, str]] = Counter()
    kinds: Counter[tuple[str | None, str]] = Counter()
    for row in pq.read_table(path, columns=_COLUMNS).to_pylist():
        read = {
            position: kind
            for group in decided.get(row["document_id"], [])
            if group.matches(row["paragraphs"])
            for position, kind in enumerate(group.kinds, group.position)
        }
        if not read and row["document_id"] in decided:
            print(f"{row['document_id']}: the labels no longer match the text")
        for position, kind in read.items():
            if kind == "?":
                continue
            truth = "content" if kind in CONTENT_KINDS else "chrome"
            found = row["labels"][position]
            labels[row["source"], found, truth] += 1
            if found == truth == "chrome":
                kinds[row["kinds"][position], kind] += 1
    return labels, kinds


def label_rows(name: str, labels: Counter) -> list[str]:  # type: ignore[type-arg]
    """Precision and recall of content and chrome, and the share left unknown, a row a source."""
    rows = []
    for source in sorted({source for source, _, _ in labels}):
        cells = []
        for label in ("content", "chrome"):
            right = labels[source, label, label]
            found = sum(labels[source, label, truth] for truth in ("content", "chrome"))
            known = labels[source, "content", label] + labels[source, "chrome", label]
            cells += [f"{right / max(found, 1):.3f}", f"{right / max(known, 1):.3f}"]
        total = sum(n for (s, _, _), n in labels.items() if s == source)
        unknown = sum(labels[source, None, truth] for truth in ("content", "chrome"))
        rows.append(f"| {source} | {name} | {total} | {unknown / total:.3f} | " + " | ".join(cells) + " |")
    return rows


def main() -> None:
    """Compare one or two corpora with the read labels and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--before", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    decided = read_labels(_LABELS)
    corpora = [("before", arguments.before)] if arguments.before else []
    compared = {name: compare(path, decided) for name, path in [*corpora, ("now", arguments.corpus)]}
    lines = [
        "# Automatic labels against reading\n",
        "Written by `benchmarks/labels.py`; on pages read from end to end, recall among paragraphs that got "
        "a label. The gold of wcxb has a boundary of its own (`data/README.md`).\n",
        "| source | rules | read | unknown | content precision | recall | chrome precision | recall |",
        "|---|---|---|---|---|---|---|---|",
        *(row for name, (labels, _) in compared.items() for row in label_rows(name, labels)),
        "\n| chrome kind | precision of markup | recall | read |\n|---|---|---|---|",
    ]
    kinds = compared["now"][1]
    for kind in CHROME_KINDS:
        found = sum(n for (auto, _), n in kinds.items() if auto == kind)
        true = sum(n for (_, read), n in kinds.items() if read == kind)
        right = kinds[kind, kind]
        lines.append(f"| {kind} | {right / max(found, 1):.3f} | {right / max(true, 1):.3f} | {true} |")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
