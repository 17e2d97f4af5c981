"""What is wrong with the paragraphs that the shipped model gets wrong: drawn for reading, then counted.

    python benchmarks/error_study.py draw CORPUS -o errors
    python benchmarks/error_study.py count data/labelled/errors.csv -o data/results/errors.md

`draw` writes a text file for each group of held-out documents: errors with their neighbours, drawn by the
square root of their length, at most four a site. A reader decides for each who is right and why; the
verdicts, by document and position, are in data/labelled/errors.csv.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from dechrome.artefact import read_model
from dechrome.evaluation.measures import Scored, score_documents
from dechrome.labels import KINDS
from dechrome.prediction import SHIPPED_MODEL
from dechrome.training.corpus import Document, read_corpus

_EACH, _MOST_OF_A_SITE, _AROUND = 52, 4, 4
_PUBLISHED = ("fundus", "daniel", "readability")
_GROUPS: dict[str, Callable[[Document], bool]] = {
    "English news": lambda d: d.source in _PUBLISHED and d.language == "en",
    "other news": lambda d: d.source in _PUBLISHED and d.language != "en",
    "WCXB": lambda d: d.source == "wcxb",
    "seeds": lambda d: d.source == "seeds",
}
_VERDICTS = {"M": "the model is wrong", "L": "the label is wrong", "A": "arguable"}


def find_errors(scored: list[Scored]) -> list[tuple[Scored, int]]:
    """Documents and positions of paragraphs judged otherwise than their label says."""
    return [
        (item, i)
        for item in scored
        for i, label in enumerate(item.document.labels)
        if label is not None and (label == "content") != item.is_kept[i]
    ]


def draw_errors(errors: list[tuple[Scored, int]], random_state: int = 0) -> list[tuple[Scored, int]]:
    """Some of the errors, long ones rather, not many of one site."""
    length = np.array([len(item.document.paragraphs[i]) for item, i in errors], float) ** 0.5
    rng = np.random.default_rng(random_state)
    sites: Counter[str] = Counter()
    drawn = []
    for number in rng.choice(len(errors), len(errors), replace=False, p=length / length.sum()):
        site = errors[number][0].document.site
        if sites[site] < _MOST_OF_A_SITE and len(drawn) < _EACH:
            sites[site] += 1
            drawn.append(errors[number])
    return drawn


def show(number: int, item: Scored, at: int) -> str:
    """An error with its neighbours."""
    document = item.document
    lines = [
        f"##### {number}  {document.document_id}, paragraph {at} of {len(document.paragraphs)}: labelled "
        f"{document.labels[at]} ({document.kinds[at]}), judged {KINDS[item.kind[at]]}, "
        f"{item.p_content[at]:.2f}"
    ]
    for i in range(max(0, at - _AROUND), min(len(document.paragraphs), at + _AROUND + 1)):
        mark = ">>>" if i == at else "   "
        kept = "kept" if item.is_kept[i] else "left"
        lines.append(f"{mark} [{document.labels[i]}, {kept}] {document.paragraphs[i][:300]}")
    return "\n".join(lines) + "\n"


def count(verdicts: pd.DataFrame) -> str:
    """Tables of verdicts by group and of causes."""
    groups = verdicts.groupby(["group", "verdict"], sort=False).size().unstack(fill_value=0)
    lines = ["| group | errors read | " + " | ".join(_VERDICTS.values()) + " |", "|---" * 5 + "|"]
    for name, row in [*groups.iterrows(), ("all", groups.sum())]:
        values = [int(row.get(verdict, 0)) for verdict in _VERDICTS]
        lines.append(f"| {name} | {sum(values)} | " + " | ".join(map(str, values)) + " |")
    causes = verdicts[verdicts.verdict == "M"].groupby(["cause", "side"]).size().unstack(fill_value=0)
    causes = causes.loc[causes.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    lines += ["", "| cause, where the model is wrong | chrome kept | content lost |", "|---|---|---|"]
    lines += [
        f"| {cause} | {row.get('kept', 0)} | {row.get('lost', 0)} |" for cause, row in causes.iterrows()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Draw or count, as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["draw", "count"])
    parser.add_argument("source", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    if args.step == "count":
        verdicts = pd.read_csv(args.source)
        args.output.write_text(
            "# Errors read\n\nWritten by `python benchmarks/error_study.py count data/labelled/errors.csv "
            f"-o data/results/errors.md`; at most {_MOST_OF_A_SITE} are of one site.\n\n{count(verdicts)}",
            encoding="utf-8",
        )
        return
    documents = [d for d in read_corpus(args.source) if d.split == "development"]
    args.output.mkdir(parents=True, exist_ok=True)
    for name, belongs in _GROUPS.items():
        scored = score_documents(read_model(SHIPPED_MODEL), [d for d in documents if belongs(d)])
        drawn = draw_errors(find_errors(scored))
        text = "\n".join(show(number, *error) for number, error in enumerate(drawn, 1))
        (args.output / f"{name.replace(' ', '_')}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
