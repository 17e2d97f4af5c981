"""What each part of the training data is worth: models trained without it, on the same held-out documents.

    python benchmarks/ablation.py CORPUS AUTOMATIC -o data/results/ablation.md

AUTOMATIC is the same corpus built without --labels. Every model uses fewer augmented documents
than the shipped one, so that all are trained in one run; they differ in the data alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import Document, read_corpus
from dechrome.training.evaluation import (
    evaluate_documents,
    evaluate_kinds,
    evaluate_paragraphs,
    evaluate_shapes,
    score_documents,
)
from dechrome.training.fitting import fit_model

#: Languages whose seeds the models never see; four scripts, two of them with no page in any corpus.
_HELD_OUT = ("hi", "ko", "tr", "vi", "am", "fa")
_PAGES = ("fundus", "daniel", "wcxb", "readability", "trafilatura")


def measure(
    train: Sequence[Document], held_out: Sequence[Document], config: TrainingConfig
) -> dict[str, float]:
    """Train on some documents and judge on the others."""
    model = fit_model([*train, *(d for d in held_out if d.source in _PAGES)], config, n_jobs=-1)
    scored = score_documents(model, held_out)
    pages = [item for item in scored if item.document.source in _PAGES]
    news = [item for item in pages if item.document.source in ("fundus", "daniel")]
    unseen = [
        item for item in scored if item.document.language in _HELD_OUT and item.document.source == "seeds"
    ]
    other = [item for item in scored if item.document.source == "seeds" and item not in unseen]
    shapes = evaluate_shapes(model, [d for d in held_out if d.source in ("fundus", "daniel", "seeds")])
    kinds = evaluate_kinds(pages)
    return {
        "news, document F1": float(evaluate_documents(news).f1.mean()),
        "pages, document F1": float(evaluate_documents(pages).f1.mean()),
        "seeds, accuracy": evaluate_paragraphs(other)["accuracy"],
        "seeds of unseen languages, accuracy": evaluate_paragraphs(unseen)["accuracy"],
        "leftovers of another language, chrome F1": shapes["article + chrome in another language, chrome F1"],
        "kinds read, macro F1 of chrome": float(kinds.loc["macro chrome", "f1"]),
        "kinds of seeds, macro F1 of chrome": float(evaluate_kinds(other).loc["macro chrome", "f1"]),
    }


def main() -> None:
    """Train and judge every variant and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("automatic", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=8000, help="augmented documents for each model")
    arguments = parser.parse_args()
    documents, automatic = read_corpus(arguments.corpus), read_corpus(arguments.automatic)
    config = replace(TrainingConfig(), n_documents=arguments.documents, n_averaged=1)
    unseen = [
        replace(d, split="development") for d in documents if d.source == "seeds" and d.language in _HELD_OUT
    ]
    names = {d.document_id for d in unseen}
    held_out = [*unseen, *(d for d in documents if d.split == "development" and d.document_id not in names)]
    train = [d for d in documents if d.split == "train" and d.document_id not in names]
    plain = [d for d in automatic if d.split == "train" and d.document_id not in names]
    keep: dict[str, Callable[[Document], bool]] = {
        "all parts": lambda d: True,
        "without seeds": lambda d: d.source != "seeds",
        "without news lines and phrases": lambda d: d.source not in ("ntrex", "phrases"),
        "without pages": lambda d: d.source not in _PAGES,
    }
    variants = {name: [d for d in train if kept(d)] for name, kept in keep.items()}
    variants["without labels decided by reading"] = plain
    lines: list[str] = []
    for name, chosen in variants.items():
        values = measure(chosen, held_out, config)
        if not lines:
            lines = ["| trained on | " + " | ".join(values) + " |", "|---" * (len(values) + 1) + "|"]
        lines.append(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values.values()) + " |")
        print(lines[-1], flush=True)
    text = (
        "# Worth of the parts of the data\n\nWritten by `benchmarks/ablation.py`; "
        f"{arguments.documents} augmented documents a model. Unseen languages: {', '.join(_HELD_OUT)}.\n\n"
    )
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(text + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
