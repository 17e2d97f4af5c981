"""What a language loses when the model has never seen it, and when it has seen no page of it.

    python benchmarks/unseen_languages.py CORPUS -o data/results/unseen_languages.md

*Never seen*: no page, no seed, no news line, no phrase; one model for each group of languages left out
together, which takes fewer models than one for each language. The encoder is the shipped model's, which has
read texts of all of them, without labels. *No page*: one model on the pages in English
and German alone, with all seeds, news lines and phrases: what a language may expect of which the corpora hold
no page. It is judged on every news page of the others, which it has not seen. With fewer augmented documents
than the shipped model has.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed

from dechrome.evaluation.measures import LEAST_CEILING, evaluate_documents, score_documents
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import ONE_SIDED_SOURCES, Document, read_corpus
from dechrome.training.fitting import fit_model

_GROUPS = (("el", "zh", "de"), ("ru", "pl"))
_NEWS = ("fundus", "daniel")
_WITH_PAGES = ("en", "de")
_NO_PAGES = ("seeds", *ONE_SIDED_SOURCES)
#: A language with fewer pages is left out of the second table.
_LEAST_PAGES = 5


def score_news(
    documents: Sequence[Document], keep: Callable[[Document], bool], config: TrainingConfig
) -> pd.DataFrame:
    """F1, language and split of news pages that were not learned from, after training on what is kept."""
    model = fit_model([d for d in documents if keep(d)], config)
    news = [d for d in documents if d.source in _NEWS and d.gold]
    pages = [d for d in news if d.split == "development" or not keep(d)]
    table = evaluate_documents(score_documents(model, pages)).assign(split=[d.split for d in pages])
    return table[table.ceiling >= LEAST_CEILING]


def mean_f1(table: pd.DataFrame, language: str) -> float:
    """Mean F1 of the held-out pages in a language."""
    return float(table[(table.language == language) & (table.split == "development")].f1.mean())


def is_no_foreign_page(document: Document) -> bool:
    """Whether a document is a page in English or German, or no page."""
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
        is_no_foreign_page,
        *(lambda d, left_out=names: d.language not in left_out for names in _GROUPS),  # type: ignore[misc]
    ]
    seen, no_page, *others = Parallel(arguments.jobs)(
        delayed(score_news)(documents, keep, config) for keep in kept
    )
    text = (
        "# Languages never seen\n\nWritten by `python benchmarks/unseen_languages.py "
        f"{arguments.corpus.name} -o data/results/{arguments.output.name} --documents {arguments.documents} "
        f"--jobs {arguments.jobs}`; document word F1 of news, one random state.\n\n"
        f"Neither a page nor a seed, news line or phrase of {' or of '.join(map(', '.join, _GROUPS))}, on "
        "held-out pages:\n\n"
        "| language | seen | never seen | loss |\n|---|---|---|---|\n"
    )
    losses = []
    for language, found in [
        (name, table) for names, table in zip(_GROUPS, others, strict=True) for name in names
    ]:
        before, after = mean_f1(seen, language), mean_f1(found, language)
        losses.append(before - after)
        text += f"| {language} | {before:.3f} | {after:.3f} | {losses[-1]:+.3f} |\n"
    text += f"| mean | | | {sum(losses) / len(losses):+.3f} |\n\n"
    text += (
        "No page but in English and German, all seeds, news lines and phrases, on every page of the others, "
        "and on the held-out ones beside a model that has seen the rest:\n\n"
        "| language | pages | F1, none seen | held out | F1, none seen | F1, the rest seen |\n"
        "|---|---|---|---|---|---|\n"
    )
    for language, pages in no_page[~no_page.language.isin(_WITH_PAGES)].groupby("language"):
        n_held_out = int((pages.split == "development").sum())
        if len(pages) >= _LEAST_PAGES:
            text += f"| {language} | {len(pages)} | {pages.f1.mean():.3f} | {n_held_out} | "
            text += f"{mean_f1(no_page, language):.3f} | {mean_f1(seen, language):.3f} |\n".replace("nan", "")
    print(text)
    arguments.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
