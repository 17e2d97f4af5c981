"""What a language loses when the model has never seen it, and when it has seen no page of it.

    python benchmarks/unseen_languages.py CORPUS -o data/results/unseen_languages.md

*Never seen*: no page, no seed, no news line, no phrase; one model for each language left out. *No page*: one
model on the pages in English and German alone, with all seeds, news lines and phrases: what a language may
expect of which the corpora hold no page. It is judged on every page of the others, which it has not seen.
With fewer augmented documents than the shipped model has.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from joblib import Parallel, delayed

from dechrome.evaluation.measures import LEAST_CEILING, evaluate_documents, score_documents
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import Document, read_corpus
from dechrome.training.fitting import fit_model

_LANGUAGES = ("el", "pl", "ru", "zh", "de")
_NEWS = ("fundus", "daniel")
_WITH_PAGES = ("en", "de")
_NO_PAGES = ("seeds", "ntrex", "phrases")
#: A language with fewer pages is left out of the second table.
_LEAST_PAGES = 5


def document_f1(
    documents: Sequence[Document], keep: Callable[[Document], bool], config: TrainingConfig
) -> dict[str, tuple[float, int]]:
    """Mean document word F1 of news in each language, and of how many pages, after training on what is kept.

    Pages that were kept count only if held out.
    """
    model = fit_model([d for d in documents if keep(d)], config)
    pages = [d for d in documents if d.source in _NEWS and (d.split == "development" or not keep(d))]
    table = evaluate_documents(score_documents(model, pages))
    table = table[table.ceiling >= LEAST_CEILING]
    return {name: (float(part.f1.mean()), len(part)) for name, part in table.groupby("language")}


def has_page_to_learn(document: Document) -> bool:
    """Whether it is no page, or one in English or German."""
    return document.source in _NO_PAGES or document.language in _WITH_PAGES


def main() -> None:
    """Train and judge every model and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=6000, help="augmented documents for each model")
    parser.add_argument("--jobs", type=int, default=1, help="models trained at once, 6 GB each")
    arguments = parser.parse_args()
    documents = read_corpus(arguments.corpus)
    config = replace(TrainingConfig(), n_documents=arguments.documents)
    kept: list[Callable[[Document], bool]] = [
        lambda d: True,
        has_page_to_learn,
        *(lambda d, left_out=name: d.language != left_out for name in _LANGUAGES),  # type: ignore[misc]
    ]
    seen, no_page, *others = Parallel(arguments.jobs)(
        delayed(document_f1)(documents, keep, config) for keep in kept
    )
    text = (
        "# Languages never seen\n\nWritten by `python benchmarks/unseen_languages.py "
        f"{arguments.corpus.name} -o data/results/{arguments.output.name} --documents {arguments.documents} "
        f"--jobs {arguments.jobs}`; document word F1 of news, one random state.\n\n"
        "Neither a page nor a seed, news line or phrase, on held-out pages:\n\n"
        "| language | seen | never seen | loss |\n|---|---|---|---|\n"
    )
    losses = []
    for language, found in zip(_LANGUAGES, others, strict=True):
        before, after = seen[language][0], found[language][0]
        losses.append(before - after)
        text += f"| {language} | {before:.3f} | {after:.3f} | {losses[-1]:+.3f} |\n"
    text += f"| mean | | | {sum(losses) / len(losses):+.3f} |\n\n"
    text += (
        "No page but in English and German, all seeds, news lines and phrases, on every page (with held-out "
        "pages alone if all are seen):\n\n| language | pages | no page seen | seen |\n|---|---|---|---|\n"
    )
    for language, (f1, n) in no_page.items():
        if language not in _WITH_PAGES and n >= _LEAST_PAGES:
            beside = f"{seen[language][0]:.3f} ({seen[language][1]})" if language in seen else ""
            text += f"| {language} | {n} | {f1:.3f} | {beside} |\n"
    print(text)
    arguments.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
