"""What each part of the recipe and of the data is worth: models trained without it, on the same documents.

    python benchmarks/ablation.py CORPUS -o data/results/ablation.md [--automatic AUTOMATIC]

AUTOMATIC is the same corpus built without --labels; without it that row is left out. Every model uses fewer
augmented documents than the shipped one, so that all are trained in one run; they differ in one part alone.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from joblib import Parallel, delayed

from dechrome.artefact import SHIPPED_MODEL, read_encoder
from dechrome.encoder import Encoder
from dechrome.evaluation.measures import (
    LEAST_CEILING,
    evaluate_documents,
    evaluate_kinds,
    evaluate_paragraphs,
    evaluate_shapes,
    score_documents,
)
from dechrome.model import Model
from dechrome.training.calibration import calibrate
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import ONE_SIDED_SOURCES, Document, read_corpus
from dechrome.training.fitting import Groundwork, fit_alone, fit_in_context
from dechrome.training.shapes import SHAPES

#: Languages whose seeds the models never see (the encoder has read texts of them, without labels); four
#: scripts, two of them with no page in any corpus.
_HELD_OUT = ("hi", "ko", "tr", "vi", "am", "fa")
_PAGES = ("fundus", "daniel", "wcxb", "readability", "trafilatura")


def _as_it_is(model: Model, pages: Sequence[Document]) -> Model:
    return model


def _without_lift(model: Model, pages: Sequence[Document]) -> Model:
    return replace(model, calibration=replace(model.calibration, least_paragraphs=sys.maxsize))


def _without_second_pass(model: Model, pages: Sequence[Document]) -> Model:
    return calibrate(replace(model, context_passes=model.context_passes[:1]), pages, TrainingConfig())


def measure(
    train: Sequence[Document],
    held_out: Sequence[Document],
    config: TrainingConfig,
    groundwork: Groundwork | None = None,
    change: Callable[[Model, Sequence[Document]], Model] = _as_it_is,
) -> dict[str, float]:
    """Train on some documents, on groundwork if it is laid, change the model, and judge on the others."""
    pages = [d for d in held_out if d.source in _PAGES]
    groundwork = groundwork or fit_alone(train, config)
    model = change(fit_in_context(groundwork, [*train, *pages], config), pages)
    scored = score_documents(model, held_out)
    table = evaluate_documents(scored)
    f1 = table[table.ceiling >= LEAST_CEILING].groupby("source").f1
    news = table[(table.ceiling >= LEAST_CEILING) & table.source.isin(("fundus", "daniel"))]
    unseen = [
        item for item in scored if item.document.language in _HELD_OUT and item.document.source == "seeds"
    ]
    other = [item for item in scored if item.document.source == "seeds" and item not in unseen]
    shapes = evaluate_shapes(model, [d for d in held_out if d.source in ("fundus", "daniel", "seeds")])
    kinds = evaluate_kinds([item for item in scored if item.document.source in _PAGES])
    return {
        "news": float(news.f1.mean()),
        "news by site": float(news.groupby("site").f1.mean().mean()),
        "WCXB": float(f1.mean()["wcxb"]),
        "seeds, accuracy": evaluate_paragraphs(other)["accuracy"],
        "seeds of unseen languages, accuracy": evaluate_paragraphs(unseen)["accuracy"],
        "leftovers, same page": shapes["article + chrome of the same page, chrome F1"],
        "leftovers, other language": shapes["article + chrome in another language, chrome F1"],
        "single paragraph": shapes["single paragraph, macro F1"],
        "kinds read, macro F1": float(kinds.loc["macro chrome", "f1"]),
    }


def _silent() -> Encoder:
    """An encoder that says the same of every text."""
    given = read_encoder(SHIPPED_MODEL)
    *weights, last = given.weights
    *biases, last_bias = given.biases
    return Encoder(given.checks, given.table, [*weights, 0 * last], [*biases, 0 * last_bias])


def _without_means(
    run: Callable[[list[Document]], dict[str, float]], held_out: list[Document]
) -> dict[str, float]:
    with patch("dechrome.training.net_training._SEES_MEANS", -1):
        return run(held_out)


def _with_attention(
    sees_attention: bool, run: Callable[[list[Document]], dict[str, float]], held_out: list[Document]
) -> dict[str, float]:
    """Where both passes in context see the mean by attention, or none does."""
    with patch("dechrome.training.context_training._SEES_ATTENTION", (sees_attention, sees_attention)):
        return run(held_out)


def variants(
    train: Sequence[Document], automatic: Sequence[Document], config: TrainingConfig
) -> dict[str, Callable[[list[Document]], dict[str, float]]]:
    """What is trained under each name, given the held-out documents."""
    laid = fit_alone(train, config, n_jobs=2)  # the same for all that differ only in what comes behind

    def data(keep: Callable[[Document], bool]) -> Callable[[list[Document]], dict[str, float]]:
        return lambda held_out: measure([d for d in train if keep(d)], held_out, config)

    def recipe(**changes: object) -> Callable[[list[Document]], dict[str, float]]:
        return lambda held_out: measure(train, held_out, replace(config, **changes))  # type: ignore[arg-type]

    def in_context(
        change: Callable[[Model, Sequence[Document]], Model] = _as_it_is, **changes: object
    ) -> Callable[[list[Document]], dict[str, float]]:
        changed = replace(config, **changes)  # type: ignore[arg-type]
        return lambda held_out: measure(train, held_out, changed, laid, change)

    full_pages = replace(config.mix, **{shape: float(shape == "full_page") for shape in SHAPES})
    found: dict[str, Callable[[list[Document]], dict[str, float]]] = {
        "all parts": in_context(),
        "all parts, another random state in context": in_context(random_state=1),
        "no convolutions": in_context(dilations=()),
        "convolutions do not see their document's means": lambda held_out: _without_means(
            in_context(), held_out
        ),
        "no mean by attention": lambda held_out: _with_attention(False, in_context(), held_out),
        "a mean by attention in both passes": lambda held_out: _with_attention(True, in_context(), held_out),
        "no dropout": in_context(dropout=0.0),
        "one pass in context instead of two": in_context(_without_second_pass),
        "one net in the second pass instead of two": in_context(n_averaged=1),
        "no document as of a language unseen": in_context(mix=replace(config.mix, foreign=0)),
        "no busy page": in_context(mix=replace(config.mix, busy_page=0)),
        "no portal page": in_context(mix=replace(config.mix, portal_page=0)),
        "full pages alone, no other shape": in_context(mix=full_pages),
        "no lift of unsure pages": in_context(_without_lift),
        "without the encoder": lambda held_out: measure(
            train, held_out, config, fit_alone(train, config, encoder=_silent())
        ),
        "no document set again": recipe(restyled=0.0),
        "languages not told apart, nor mixed in training": lambda held_out: measure(
            [replace(d, language="und") for d in train], held_out, config
        ),
        "without seeds": data(lambda d: d.source != "seeds"),
        "without news lines and phrases": data(lambda d: d.source not in ONE_SIDED_SOURCES),
        "without pages": data(lambda d: d.source not in _PAGES),
    }
    if automatic:
        found["without labels decided by reading"] = lambda held_out: measure(automatic, held_out, config)
    return found


def main() -> None:
    """Train and judge every variant and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--automatic", type=Path)
    parser.add_argument("--documents", type=int, default=8000, help="augmented documents for each model")
    parser.add_argument("--jobs", type=int, default=1, help="models trained at once, 6 GB each")
    arguments = parser.parse_args()
    documents = read_corpus(arguments.corpus)
    automatic = read_corpus(arguments.automatic) if arguments.automatic else []
    config = replace(TrainingConfig(), n_documents=arguments.documents)
    unseen = [
        replace(d, split="development") for d in documents if d.source == "seeds" and d.language in _HELD_OUT
    ]
    names = {d.document_id for d in unseen}
    held_out = [*unseen, *(d for d in documents if d.split == "development" and d.document_id not in names)]
    train, plain = (
        [d for d in corpus if d.split == "train" and d.document_id not in names]
        for corpus in (documents, automatic)
    )
    command = shlex.join(
        [
            "python", "benchmarks/ablation.py", arguments.corpus.name, "-o",
            f"data/results/{arguments.output.name}", "--documents", str(arguments.documents),
            *(["--automatic", arguments.automatic.name] if arguments.automatic else []),
        ]
    )  # fmt: skip
    text = (
        f"# Worth of the parts of the recipe and of the data\n\nWritten by `{command}`; "
        f"{arguments.documents} augmented documents a model. News and WCXB: document word "
        f"F1. Unseen languages: {', '.join(_HELD_OUT)}.\n\n"
    )
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    runs = variants(train, plain, config)
    found = Parallel(arguments.jobs, return_as="generator")(delayed(run)(held_out) for run in runs.values())
    for number, (name, values) in enumerate(zip(runs, found, strict=True)):
        if number == 0:
            text += "| trained with | " + " | ".join(values) + " |\n" + "|---" * (len(values) + 1) + "|\n"
        text += f"| {name} | " + " | ".join(f"{value:.3f}" for value in values.values()) + " |\n"
        print(name, values, flush=True)
        arguments.output.write_text(text, encoding="utf-8")  # each takes minutes: none is lost


if __name__ == "__main__":
    main()
