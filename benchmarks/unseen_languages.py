"""What a language loses when the model has never seen it: no page, no seed, no news line, no phrase.

    python benchmarks/unseen_languages.py CORPUS -o data/results/unseen_languages.md

One model for each language left out and one on all, with fewer augmented documents than the shipped one.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from joblib import Parallel, delayed

from dechrome.evaluation.measures import LEAST_CEILING, evaluate_documents, score_documents
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import Document, read_corpus
from dechrome.training.fitting import fit_model

_LANGUAGES = ("el", "pl", "ru", "zh", "de")
_NEWS = ("fundus", "daniel")


def document_f1(
    documents: Sequence[Document], left_out: str | None, config: TrainingConfig
) -> dict[str, float]:
    """Mean document word F1 of held-out news in each language, after training without one."""
    model = fit_model([d for d in documents if d.language != left_out], config)
    pages = [d for d in documents if d.split == "development" and d.source in _NEWS]
    table = evaluate_documents(score_documents(model, pages))
    table = table[table.ceiling >= LEAST_CEILING]
    return {name: float(part.f1.mean()) for name, part in table.groupby("language")}


def main() -> None:
    """Train and judge every model and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=6000, help="augmented documents for each model")
    parser.add_argument("--jobs", type=int, default=1, help="models trained at once, 6 GB each")
    arguments = parser.parse_args()
    documents = read_corpus(arguments.corpus)
    config = replace(TrainingConfig(), n_documents=arguments.documents)
    seen, *others = Parallel(arguments.jobs)(
        delayed(document_f1)(documents, left_out, config) for left_out in (None, *_LANGUAGES)
    )
    rows = []
    losses = []
    for language, found in zip(_LANGUAGES, others, strict=True):
        losses.append(seen[language] - found[language])
        rows.append(f"| {language} | {seen[language]:.3f} | {found[language]:.3f} | {losses[-1]:+.3f} |")
        print(rows[-1], flush=True)
    text = (
        "# Languages never seen\n\nWritten by `python benchmarks/unseen_languages.py "
        f"{arguments.corpus.name} -o data/results/{arguments.output.name} --documents {arguments.documents} "
        f"--jobs {arguments.jobs}`; document word F1 of held-out news, one seed.\n\n"
        "| language | seen | never seen | loss |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
        f"| mean | | | {sum(losses) / len(losses):+.3f} |\n"
    )
    arguments.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
