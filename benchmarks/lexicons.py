"""The candidates for the lexical scores, side by side: quality on unseen sites, speed, size.

    python benchmarks/lexicons.py CORPUS -o data/results/lexicons.md

Each is fitted on the training sites through the interface that ``dechrome train --text-model`` uses and
judged on the development sites, paragraph by paragraph, without context.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from dechrome.fasttext_lexicon import FastTextLexicon
from dechrome.labels import KINDS, SCORES
from dechrome.lexicon import HashedLexicon, Lexicon
from dechrome.training.config import TEXT_MODELS
from dechrome.training.corpus import read_corpus
from dechrome.training.restyling import thin_news
from dechrome.training.table import ParagraphTable, tabulate
from dechrome.training.text_models import fit_lexicon, score_paragraphs

_TIMED_PARAGRAPHS = 20_000


def size_of(lexicon: Lexicon) -> float:
    """Megabytes that the lexicon adds to a model folder, before compression."""
    if isinstance(lexicon, HashedLexicon):
        tables = lexicon.characters.weights, lexicon.words.weights, lexicon.checks
        return sum(table.nbytes for table in tables) / 1e6
    assert isinstance(lexicon, FastTextLexicon)
    return len(lexicon.data) / 1e6


def measure(name: str, train: ParagraphTable, held_out: ParagraphTable) -> dict[str, float | str]:
    """Fit one candidate and judge it."""
    started = time.perf_counter()
    lexicon = fit_lexicon(train, name, np.arange(len(train.paragraphs)), random_state=0)
    fitted = time.perf_counter()
    scores = score_paragraphs(lexicon, held_out.paragraphs)
    known = held_out.is_content >= 0
    truth, content = held_out.is_content[known], scores[known, SCORES.index("content")]
    read = held_out.is_read & (held_out.kind >= 0)
    timed = held_out.paragraphs[:_TIMED_PARAGRAPHS]
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        score_paragraphs(lexicon, timed)
        seconds.append(time.perf_counter() - start)
    return {
        "lexicon": name,
        "content AUC": float(roc_auc_score(truth, content)),
        "content AP": float(average_precision_score(truth, content)),
        "kinds macro F1": float(
            f1_score(held_out.kind[read], scores[read, : len(KINDS)].argmax(axis=1), average="macro")
        ),
        "thousand paragraphs/s": len(timed) / min(seconds) / 1e3,
        "MB": size_of(lexicon),
        "fit, s": fitted - started,
    }


def main() -> None:
    """Measure all candidates in one run and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    documents = read_corpus(arguments.corpus)
    train = tabulate(thin_news([d for d in documents if d.split == "train"], 20, 0))
    held_out = tabulate([d for d in documents if d.split == "development"])
    rows = [measure(name, train, held_out) for name in TEXT_MODELS]
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    cells = [[v if isinstance(v, str) else f"{v:.3g}" for v in row.values()] for row in rows]
    lines += ["| " + " | ".join(row) + " |" for row in cells]
    command = f"python benchmarks/lexicons.py {arguments.corpus.name} -o {arguments.output}"
    text = f"# Candidates for the lexicon\n\nWritten by `{command}`.\n\n" + "\n".join(lines) + "\n"
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
