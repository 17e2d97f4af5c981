"""Whether more sites, or more augmented documents, would help: models on parts of both.

    python benchmarks/learning_curve.py CORPUS -o data/results/learning_curve.md

A part of the sites is a fixed draw by the hash of their names, so larger parts hold the smaller ones.
"""

from __future__ import annotations

import argparse
import zlib
from dataclasses import replace
from pathlib import Path

from dechrome.evaluation.measures import (
    LEAST_CEILING,
    evaluate_documents,
    evaluate_kinds,
    evaluate_paragraphs,
    score_documents,
)
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import ONE_SIDED_SOURCES, Document, read_corpus
from dechrome.training.fitting import fit_model


def _is_in(document: Document, share: float) -> bool:
    fixed = document.source in ONE_SIDED_SOURCES or document.split == "development"
    return fixed or zlib.crc32(f"curve {document.site}".encode()) / 2**32 < share


def main() -> None:
    """Train and judge every model and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    documents = read_corpus(arguments.corpus)
    held_out = [d for d in documents if d.split == "development" and d.source not in ONE_SIDED_SOURCES]
    rows = []
    for share, n_documents in ((0.25, 6000), (0.5, 6000), (1.0, 6000), (1.0, 2000)):
        config = replace(TrainingConfig(), n_documents=n_documents)
        part = [d for d in documents if _is_in(d, share)]
        scored = score_documents(fit_model(part, config, n_jobs=-1), held_out)
        table = evaluate_documents(scored)
        table = table[table.ceiling >= LEAST_CEILING]
        news = table[table.source.isin(["fundus", "daniel"])]
        seeds = evaluate_paragraphs([item for item in scored if item.document.source == "seeds"])
        values = [
            news.f1.mean(),
            news.groupby("site").f1.mean().mean(),
            table[table.source == "wcxb"].f1.mean(),
            seeds["accuracy"],
            evaluate_kinds(scored).loc["macro chrome", "f1"],
        ]
        n_sites = len({d.site for d in part if d.split == "train" and d.source not in ONE_SIDED_SOURCES})
        rows.append(f"| {n_sites} | {n_documents} | " + " | ".join(f"{v:.3f}" for v in values) + " |")
        print(rows[-1], flush=True)
    text = (
        "# Learning curve\n\nWritten by `benchmarks/learning_curve.py`; held-out sites, one "
        "seed.\n\n| training sites, seeds counted | augmented documents | news, document F1 | by site | "
        "wcxb, document F1 | seeds, accuracy | kinds, macro F1 |\n|---|---|---|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )
    arguments.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
