"""The ``dechrome`` command: ``predict | clean | corpus build | train | evaluate``.

Results go to stdout, all else to stderr. Exit codes: 0 done, 2 something in the input is wrong (one
line says what, where, and what to do). Heavy modules are imported inside the commands, so that
``--help`` answers at once.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dechrome.errors import DechromeError, InputError
from dechrome.labels import CONTENT_KINDS, FAVORS, KINDS, Favor

if TYPE_CHECKING:
    from dechrome.prediction import ParagraphModel
    from dechrome.results import Predictions
    from dechrome.training.corpus import Document

__all__ = ["main"]

_STDIN = "-"
_PATH = click.Path(path_type=Path)


class _Group(click.Group):
    """Turns what users can mend into one line on stderr and exit code 2."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (DechromeError, ImportError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            click.echo(f"dechrome: {_one_line(error)}", err=True)
            context.exit(2)


def _one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return " ".join(f"{error.filename}: {error.strerror}.".split())
    return " ".join(str(error).split())


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dechrome")
def main() -> None:
    """Label every paragraph of a web document as article content or site chrome."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # whatever the locale; file names may be no UTF-8
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)


# --- reading documents -------------------------------------------------------------------------


def _document_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = [
        click.argument("files", nargs=-1, type=click.Path(path_type=Path, allow_dash=True)),
        click.option("--html", "is_html", is_flag=True, help="The input is HTML (needs dechrome[html])."),
        click.option("--encoding", default="utf-8", show_default=True, help="Encoding of plain text."),
        click.option("--model", type=_PATH, help="Model folder. [default: the shipped one]"),
        click.option(
            "--favor",
            type=click.Choice(FAVORS),
            default="balanced",
            show_default=True,
            help="Which of the model's thresholds to use.",
        ),
        click.option("--threshold", type=float, help="Least p_content of content, in [0, 1], instead."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _read_document(path: Path, is_html: bool, encoding: str) -> str | list[str]:
    name = "<stdin>" if str(path) == _STDIN else str(path)
    if str(path) == _STDIN and sys.stdin is None:
        raise InputError(f"{name}: closed.")
    raw = sys.stdin.buffer.read() if str(path) == _STDIN else path.read_bytes()
    if is_html:
        from dechrome.html import decode_html, paragraphs_from_html

        text = decode_html(raw)
    else:
        text = _decode(raw, name, encoding)
    if "\x00" in text:
        raise InputError(f"{name}: binary, not text (NUL at character {text.index(chr(0))}).")
    if not text.strip():
        raise InputError(f"{name}: empty.")
    return paragraphs_from_html(text) if is_html else text


def _decode(raw: bytes, name: str, encoding: str) -> str:
    try:
        return raw.decode(encoding).removeprefix("\ufeff")
    except LookupError as error:  # no InputError, as it is wrong for every file
        raise DechromeError(f"--encoding {encoding}: no such encoding.") from error
    except UnicodeError as error:
        place = ""
        if isinstance(error, UnicodeDecodeError):
            place = f", byte {error.start} is 0x{raw[error.start : error.start + 1].hex()}"
        raise InputError(
            f"{name}: not {encoding}{place}; name its encoding with --encoding, or use --html for a page."
        ) from error


def _predict_files(
    files: tuple[Path, ...],
    is_html: bool,
    encoding: str,
    model: Path | None,
    favor: Favor,
    threshold: float | None,
) -> Iterator[tuple[Path, Predictions | None]]:
    """Predictions of each file; None, and a line on stderr, for one that cannot be read."""
    from dechrome.prediction import load_model

    if threshold is not None and not 0 <= threshold <= 1:
        raise InputError(f"--threshold {threshold}: must lie in [0, 1].")
    loaded: ParagraphModel = load_model(model)
    for path in files or (Path(_STDIN),):
        try:
            document = _read_document(path, is_html, encoding)
        except (InputError, OSError) as error:
            click.echo(f"dechrome: {_one_line(error)}", err=True)
            yield path, None
            continue
        yield path, loaded.predict_paragraphs(document, threshold, favor=favor)


# --- predict -----------------------------------------------------------------------------------

_KIND_COLOURS = {
    "headline": "bright_green", "body": "green", "cookie": "red", "caption": "yellow", "navigation": "blue",
    "related": "magenta", "byline": "cyan", "promotion": "bright_red", "social": "bright_cyan",
    "comment": "bright_yellow", "legal": "bright_black", "other": "white",
}  # fmt: skip


@main.command()
@_document_options
@click.option(
    "--format", "output_format", default="text", show_default=True,
    type=click.Choice(["text", "jsonl", "tsv"]),
    help="text: to be read; jsonl: an object a document; tsv: a row a paragraph.",
)  # fmt: skip
def predict(files: tuple[Path, ...], output_format: str, **options: Any) -> None:
    """Label every paragraph of FILES (stdin with - or none).

    A file that cannot be read is named on stderr, the others are labelled, and the exit code is 2.
    """
    write = {"text": _write_text, "jsonl": _write_jsonl, "tsv": _write_tsv}[output_format]
    if output_format == "tsv":
        click.echo("document\tstart\tend\tlabel\tkind\tp_content\ttext")
    failed = False
    for path, predictions in _predict_files(files, **options):
        if predictions is None:
            failed = True
            continue
        if output_format == "text" and len(files) > 1:
            click.secho(f"== {_printable(str(path))} ==", bold=True)
        write(str(path), predictions)
    if failed:
        raise SystemExit(2)


def _printable(text: str) -> str:
    """The text without what a terminal would take for commands, and without lone surrogates."""
    kept = "".join(c if c.isprintable() or c == "\t" else " " for c in text)
    return kept.encode("utf-8", "replace").decode("utf-8")


def _write_text(name: str, predictions: Predictions) -> None:
    del name
    for p in predictions:
        kind = p.kind or p.label
        text = _printable(p.text)
        shown = click.style(text, bold=p.kind == "headline", dim=p.label == "chrome")
        click.echo(f"{click.style(f'{kind:<10}', fg=_KIND_COLOURS.get(kind))} {p.p_content:.2f}  {shown}")


def _write_jsonl(name: str, predictions: Predictions) -> None:
    paragraphs = [
        {
            "start": p.start, "end": p.end, "label": p.label, "kind": p.kind, "p_content": p.p_content,
            "text": p.text,
        }
        for p in predictions
    ]  # fmt: skip
    click.echo(json.dumps({"document": name, "paragraphs": paragraphs}, ensure_ascii=False))


def _write_tsv(name: str, predictions: Predictions) -> None:
    for p in predictions:
        offsets = ("", "") if p.start is None else (p.start, p.end)
        row = (_escaped(name), *offsets, p.label, p.kind, p.p_content, _escaped(p.text))
        click.echo("\t".join(map(str, row)))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


# --- clean -------------------------------------------------------------------------------------


@main.command()
@_document_options
@click.option(
    "--keep", default=",".join(CONTENT_KINDS), show_default=True, help="Kinds to keep, separated by commas."
)
@click.option("-o", "--output-dir", type=_PATH, help="Write NAME.txt for each file here instead of stdout.")
def clean(files: tuple[Path, ...], keep: str, output_dir: Path | None, **options: Any) -> None:
    """Print the article of FILES (stdin with - or none), without the chrome."""
    kinds = [kind.strip() for kind in keep.split(",") if kind.strip()]
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise InputError(f"--keep {keep}: unknown kinds {', '.join(unknown)}; known: {', '.join(KINDS)}.")
    targets = _output_files(files, output_dir)
    failed = False
    for path, predictions in _predict_files(files, **options):
        if predictions is None:
            failed = True
            continue
        text = "\n\n".join(p.text for p in predictions if p.kind in kinds)
        if output_dir is None:
            click.echo(text)
        else:
            output_dir.mkdir(parents=True, exist_ok=True)
            write_whole(targets[path], text + "\n")
    if failed:
        raise SystemExit(2)


def _output_files(files: tuple[Path, ...], output_dir: Path | None) -> dict[Path, Path]:
    if output_dir is None:
        return {}
    _check_folder(output_dir)
    inputs = {path.resolve(): path for path in files if str(path) != _STDIN}
    targets: dict[Path, Path] = {}
    for path in files or (Path(_STDIN),):
        target = output_dir / f"{'stdin' if str(path) == _STDIN else path.stem}.txt"
        clash = next((other for other, taken in targets.items() if taken == target and other != path), None)
        if clash is not None:
            raise InputError(f"{clash} and {path} would both be written to {target}; clean them separately.")
        overwritten = inputs.get(target.resolve())
        if overwritten is not None:
            raise InputError(f"{overwritten}: would be overwritten; choose another --output-dir.")
        targets[path] = target
    return targets


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(partial).unlink()
        raise


# --- corpus, train, evaluate -------------------------------------------------------------------


@main.group()
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
    help="Labels decided by reading (JSON Lines); they override the automatic ones.",
)  # fmt: skip
@click.option("--counts", type=_PATH, help="Write counts by language, source and kind here (CSV).")
@click.option("--jobs", default=-1, show_default=True, help="Processes; -1: one a core.")
def build(
    sources: tuple[Path, ...], output: Path, labels: tuple[Path, ...], counts: Path | None, jobs: int
) -> None:
    """Label the pages, seeds, phrases and news lines of SOURCES by paragraph."""
    from tqdm import tqdm

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
        write_whole(counts, summarise_corpus(documents, by=("language", "source")).to_csv())
    click.echo(summarise_corpus(documents).to_string())


def _check_labels(path: Path, documents: Sequence[Document], split: str) -> None:
    """News lines and phrases do not count: content or chrome throughout, they leave nothing to tell apart."""
    found = {label for d in documents if d.source not in ("ntrex", "phrases") for label in d.labels}
    if not found >= {"content", "chrome"}:
        raise InputError(
            f"{path}: no pages or seeds of split {split!r} with both content and chrome; add sites."
        )


@main.command()
@click.argument("corpus_file", metavar="CORPUS", type=_PATH)
@click.option("-o", "--output", required=True, type=_PATH, help="Model folder to write.")
@click.option("--config", type=_PATH, help="JSON file with settings; see TrainingConfig.")
@click.option(
    "--text-model", type=click.Choice(["hashed", "fasttext", "fasttext-quantized"]),
    help="What learns the lexical scores. [default: hashed]",
)  # fmt: skip
@click.option("--jobs", default=-1, show_default=True, help="Threads; -1: one a core.")
def train(corpus_file: Path, output: Path, config: Path | None, text_model: str | None, jobs: int) -> None:
    """Train a model on CORPUS (.parquet or .jsonl) and measure it on its development split."""
    from dechrome.artefact import write_model
    from dechrome.training.config import read_config
    from dechrome.training.corpus import read_corpus
    from dechrome.training.evaluation import score_documents
    from dechrome.training.fitting import fit_model
    from dechrome.training.report import make_tables, model_card, tables_to_markdown

    _check_model_folder(output)
    settings = read_config(config, text_model)
    documents = read_corpus(corpus_file)
    held_out = [d for d in documents if d.split == "development"]
    _check_labels(corpus_file, [d for d in documents if d.split == "train"], "train")
    _check_labels(corpus_file, held_out, "development")
    try:
        model = fit_model(documents, settings, jobs, lambda line: click.echo(line, err=True))
    except (ArithmeticError, ValueError) as error:
        raise InputError(f"{corpus_file}: too little to learn from with these settings ({error}).") from error
    tables = make_tables(model, score_documents(model, held_out), held_out)
    write_model(model, output, model_card(model, documents, tables))
    click.echo(tables_to_markdown(tables))


@main.command()
@click.argument("model", type=_PATH)
@click.argument("corpus_file", metavar="CORPUS", type=_PATH)
@click.option(
    "--split", type=click.Choice(["development", "train", "all"]), default="development", show_default=True,
    help="Which sites to measure on.",
)  # fmt: skip
@click.option("-o", "--output-dir", type=_PATH, help="Write the tables here too: CSV and Markdown.")
def evaluate(model: Path, corpus_file: Path, split: str, output_dir: Path | None) -> None:
    """Measure MODEL (a folder, or "shipped") on CORPUS: paragraphs, documents, kinds."""
    from dechrome.artefact import read_model
    from dechrome.prediction import SHIPPED_MODEL
    from dechrome.training.corpus import read_corpus
    from dechrome.training.evaluation import score_documents
    from dechrome.training.report import make_tables, tables_to_markdown, write_tables

    if output_dir is not None:
        _check_folder(output_dir)
    loaded = read_model(SHIPPED_MODEL if str(model) == "shipped" else model)
    documents = [d for d in read_corpus(corpus_file) if split in (d.split, "all")]
    _check_labels(corpus_file, documents, split)
    tables = make_tables(loaded, score_documents(loaded, documents), documents)
    command = f"dechrome evaluate {model.name} {corpus_file.name} --split {split}"
    if output_dir is not None:
        write_tables(tables, output_dir, command)
    click.echo(tables_to_markdown(tables))


if __name__ == "__main__":
    main()
