"""Commands that make and measure models: ``corpus build | distil | train | evaluate``."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dechrome.cli.options import jobs_option
from dechrome.errors import InputError

if TYPE_CHECKING:
    from dechrome.model import Model
    from dechrome.training.corpus import Document

__all__ = ["corpus", "distil", "evaluate", "train"]

_PATH = click.Path(path_type=Path)


@click.group()
def corpus() -> None:
    """Build training corpora."""


def _check_output(path: Path) -> None:
    """Fail before the work, not after it."""
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: no such folder to write {path.name} into.")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file.")


def _check_folder(path: Path) -> None:
    found = next((place for place in (path, *path.parents) if place.exists()), path)
    if found.exists() and not found.is_dir():
        raise InputError(f"{found}: is a file, not a folder.")


def _check_model_folder(path: Path) -> None:
    _check_folder(path)
    is_model = (path / "config.json").is_file() and (path / "weights.npz").is_file()
    if path.exists() and any(path.iterdir()) and not is_model:
        raise InputError(f"{path}: exists and is no model folder; choose another name.")


@corpus.command("build")
@click.argument("sources", nargs=-1, required=True, type=_PATH)
@click.option("-o", "--output", required=True, type=_PATH, help="Corpus to write: .parquet or .jsonl.")
@click.option(
    "--labels", multiple=True, type=_PATH,
    help="Labels decided by reading (JSON Lines); they override the automatic ones, a later file an earlier.",
)  # fmt: skip
@click.option("--counts", type=_PATH, help="Write counts by language, source and kind here (CSV).")
@jobs_option(-1, "Processes")
def build(
    sources: tuple[Path, ...], output: Path, labels: tuple[Path, ...], counts: Path | None, jobs: int
) -> None:
    """Label the pages, seeds, phrases and news lines of SOURCES by paragraph."""
    from tqdm import tqdm

    from dechrome.files.writing import write_whole
    from dechrome.training.building import build_corpus
    from dechrome.training.corpus import check_suffix, summarise_corpus, write_corpus

    check_suffix(output)
    _check_output(output)
    if counts is not None:
        _check_output(counts)
    documents = list(tqdm(build_corpus(sources, labels, jobs), unit=" documents", disable=None))
    if not documents:
        raise InputError(f"{', '.join(map(str, sources))}: no document in it.")
    write_corpus(documents, output)
    if counts is not None:
        with write_whole(counts) as file:
            file.write(summarise_corpus(documents, by=("language", "source")).to_csv().encode())
    click.echo(summarise_corpus(documents).to_string())


@click.command()
@click.argument("corpus_file", metavar="CORPUS", type=_PATH)
@click.option("-o", "--output", required=True, type=_PATH, help="Encoder to write, .npz.")
@click.option(
    "--texts", type=click.IntRange(2), help="Learn from at most so many texts, drawn by lot. [default: all]"
)
@click.option("--config", type=_PATH, help="Settings of the training, as for train.")
def distil(corpus_file: Path, output: Path, texts: int | None, config: Path | None) -> None:
    """Distil an encoder from multilingual-e5-small, with the training texts of CORPUS (.parquet or .jsonl).

    Takes hours on a large corpus; needs the extra "distil", on Linux and x86-64.
    """
    from dechrome.artefact import write_encoder
    from dechrome.files.writing import write_whole
    from dechrome.training.config import read_config
    from dechrome.training.corpus import read_corpus
    from dechrome.training.distilling import distil_encoder, draw_texts
    from dechrome.training.teacher import E5Teacher

    _check_output(output)
    settings = read_config(config)
    teacher = E5Teacher()
    chosen = draw_texts(read_corpus(corpus_file), settings, texts)
    if len(chosen) < 2:
        raise InputError(f"{corpus_file}: {len(chosen)} texts of split 'train' in it; two are the least.")
    encoder = distil_encoder(chosen, teacher, progress=lambda line: click.echo(line, err=True))
    with write_whole(output) as file:
        write_encoder(encoder, file)


def _check_labels(path: Path, documents: Sequence[Document], split: str) -> None:
    """News lines and phrases do not count: content or chrome throughout, they leave nothing to tell apart."""
    from dechrome.training.corpus import ONE_SIDED_SOURCES

    found = {label for d in documents if d.source not in ONE_SIDED_SOURCES for label in d.labels}
    if not found >= {"content", "chrome"}:
        raise InputError(
            f"{path}: no pages or seeds of split {split!r} with both content and chrome; add sites."
        )


@click.command()
@click.argument("corpus_file", metavar="CORPUS", type=_PATH)
@click.option("-o", "--output", required=True, type=_PATH, help="Model folder to write.")
@click.option("--config", type=_PATH, help="JSON file with settings; see TrainingConfig.")
@click.option(
    "--text-model", type=click.Choice(["hashed", "fasttext", "fasttext-quantized"]),
    help="What learns the lexical scores. [default: hashed]",
)  # fmt: skip
@click.option(
    "--encoder", type=_PATH, help="A file of dechrome distil, or a model folder. [default: shipped]"
)
@jobs_option(-1, "Threads")
@click.option(
    "--from", "base", type=_PATH, help='Model to train on, a folder or "shipped", with --corrections.'
)
@click.option(
    "--corrections", multiple=True, type=_PATH,
    help="Documents with corrected kinds: .jsonl as predict writes it, or seeds (.txt, or a folder).",
)  # fmt: skip
def train(
    corpus_file: Path,
    output: Path,
    config: Path | None,
    text_model: str | None,
    encoder: Path | None,
    jobs: int,
    base: Path | None,
    corrections: tuple[Path, ...],
) -> None:
    """Train a model on CORPUS (.parquet or .jsonl) and measure it on its development split.

    With --from and --corrections, train a model on towards the corrections instead; CORPUS then stands for
    the rest of the world, of which the model is to forget nothing.
    """
    if (base is None) == bool(corrections) or (base is not None and (config or text_model or encoder)):
        raise InputError(
            "--from and --corrections go together, and without --config, --text-model and --encoder."
        )
    if base is not None:
        _train_on(corpus_file, output, base, corrections)
        return
    from dechrome.artefact import SHIPPED_MODEL, read_encoder, write_model
    from dechrome.evaluation.measures import score_documents
    from dechrome.evaluation.tables import make_tables, model_card, tables_to_markdown
    from dechrome.training.config import read_config
    from dechrome.training.corpus import read_corpus
    from dechrome.training.fitting import fit_model

    _check_model_folder(output)
    settings = read_config(config, text_model)
    if settings.text_model != "hashed" and importlib.util.find_spec("fasttext") is None:
        raise ImportError(
            f"Text model {settings.text_model} needs fastText: pip install 'dechrome[fasttext]'."
        )
    given = read_encoder(SHIPPED_MODEL if encoder is None else encoder)
    documents = read_corpus(corpus_file)
    held_out = [d for d in documents if d.split == "development"]
    _check_labels(corpus_file, [d for d in documents if d.split == "train"], "train")
    _check_labels(corpus_file, held_out, "development")
    try:
        model = fit_model(documents, settings, jobs, lambda line: click.echo(line, err=True), given)
    except (ArithmeticError, ValueError) as error:
        raise InputError(f"{corpus_file}: too little to learn from with these settings ({error}).") from error
    tables = make_tables(model, score_documents(model, held_out), held_out)
    write_model(model, output, model_card(model, documents, tables))
    click.echo(tables_to_markdown(tables))


def _train_on(corpus_file: Path, output: Path, base: Path, corrections: tuple[Path, ...]) -> None:
    from dechrome.artefact import write_model
    from dechrome.evaluation.measures import score_documents
    from dechrome.evaluation.tables import make_tables, model_card, tables_to_markdown
    from dechrome.training.adapting import adapt_model
    from dechrome.training.corpus import read_corpus
    from dechrome.training.corrections import read_corrections

    _check_model_folder(output)
    before = _read_model(base)
    corrected = read_corrections(corrections)
    documents = read_corpus(corpus_file)
    held_out = [d for d in documents if d.split == "development"]
    _check_labels(corpus_file, held_out, "development")
    model = adapt_model(before, corrected, [d for d in documents if d.split == "train"])
    tables = make_tables(model, score_documents(model, held_out), held_out)
    write_model(model, output, model_card(model, [*documents, *corrected], tables))
    old = make_tables(before, score_documents(before, held_out), held_out)
    for name in ("documents", "paragraphs"):
        change = (tables[name] - old[name]).add_suffix(" change")
        tables[name] = tables[name].join(change[[c for c in ("f1 change", "accuracy change") if c in change]])
    click.echo(tables_to_markdown({name: tables[name] for name in ("documents", "paragraphs")}))


def _read_model(name: Path) -> Model:
    from dechrome.artefact import read_model
    from dechrome.prediction import SHIPPED_MODEL

    return read_model(SHIPPED_MODEL if str(name) == "shipped" else name)


@click.command()
@click.argument("model", type=_PATH)
@click.argument("corpus_file", metavar="CORPUS", type=_PATH)
@click.option(
    "--split", type=click.Choice(["development", "train", "all"]), default="development", show_default=True,
    help="Which sites to measure on.",
)  # fmt: skip
@click.option("-o", "--output-dir", type=_PATH, help="Write the tables here too: CSV and Markdown.")
@click.option("--report", type=_PATH, metavar="DIR", help="Write a page to look at here, with all tables.")
@click.option("--baseline", type=_PATH, metavar="MODEL2", help="Compare with this model in the report.")
@click.option("--no-texts", is_flag=True, help="Show lengths in the report, no texts of documents.")
def evaluate(
    model: Path,
    corpus_file: Path,
    split: str,
    output_dir: Path | None,
    report: Path | None,
    baseline: Path | None,
    no_texts: bool,
) -> None:
    """Measure MODEL (a folder, or "shipped") on CORPUS: paragraphs, documents, kinds."""
    if report is None and (baseline is not None or no_texts):
        raise click.UsageError("--baseline and --no-texts go with --report.")
    from dechrome.artefact import read_model
    from dechrome.evaluation.html_report import check_report_extra, measure_models, write_report
    from dechrome.evaluation.tables import make_tables, tables_to_markdown, write_tables
    from dechrome.training.corpus import read_corpus

    for folder in (output_dir, report):
        if folder is not None:
            _check_folder(folder)
    if report is not None:
        check_report_extra()
    paths = [_model_folder(path) for path in (model, baseline) if path is not None]
    models = [read_model(path) for path in paths]
    documents = [d for d in read_corpus(corpus_file) if split in (d.split, "all")]
    _check_labels(corpus_file, documents, split)
    names = [path.name for path in (model, baseline) if path is not None]
    n_passes = 1 if report is None else 3
    measured = measure_models(list(zip(names, models, paths, strict=True)), documents, n_passes)
    tables = make_tables(models[0], measured[0].scored, documents)
    command = f"dechrome evaluate {model.name} {corpus_file.name} --split {split}"
    if output_dir is not None:
        write_tables(tables, output_dir, command)
    if report is not None:
        options = [f"--report {report.name}"]
        options += [f"--baseline {name}" for name in names[1:]] + ["--no-texts"] * no_texts
        write_report(
            measured[0], tables, report, " ".join([command, *options]),
            baseline=measured[1] if baseline is not None else None, with_texts=not no_texts,
        )  # fmt: skip
    click.echo(tables_to_markdown(tables))


def _model_folder(path: Path) -> Path:
    from dechrome.prediction import SHIPPED_MODEL

    return SHIPPED_MODEL if str(path) == "shipped" else path
