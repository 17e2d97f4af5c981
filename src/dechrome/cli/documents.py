"""Commands that use a model: ``predict`` and ``clean``, on one file or on a crawl."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from dechrome.cli.options import jobs_option
from dechrome.errors import InputError
from dechrome.files.formats import COMPRESSIONS, INPUT_FORMATS, OUTPUT_FORMATS, file_type, find_inputs
from dechrome.labels import CONTENT_KINDS, FAVORS

if TYPE_CHECKING:
    from dechrome.annotation import Annotation

__all__ = ["clean", "predict"]

_PATH = click.Path(path_type=Path)
_KIND_COLOURS = {
    "headline": "bright_green", "body": "green", "cookie": "red", "caption": "yellow", "navigation": "blue",
    "related": "magenta", "byline": "cyan", "promotion": "bright_red", "social": "bright_cyan",
    "comment": "bright_yellow", "legal": "bright_black", "other": "white",
}  # fmt: skip
#: Not printable, says Python, but Persian, Indic scripts and emoji need the two joiners.
_HARMLESS = "\t\u200c\u200d"


def _document_options(columns: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    choice, path = click.Choice, _PATH
    options: list[Callable[[Any], Any]] = [
        click.argument("files", nargs=-1, type=click.Path(path_type=Path, allow_dash=True)),
        click.option("-f", "--from", "input_format", type=choice(INPUT_FORMATS), help="[default: by name]"),
        click.option(
            "-t", "--to", "--format", "output_format", type=choice(OUTPUT_FORMATS), help="[default: by name]"
        ),
        click.option(
            "-o", "--output", "--output-dir", type=path, help="File, or folder (one file for each input)."
        ),
        click.option("--compress", type=choice(COMPRESSIONS), help="[default: as the input]"),
        click.option("--text-field", default="text", show_default=True, help="Field of the document."),
        click.option("--id-field", help="Field that names the document in messages."),
        click.option(
            "--columns", default=columns, show_default=True,
            help="Fields to add: content, paragraphs, or both.",
        ),
        click.option(
            "--explode/--no-explode", default=None,
            help="A row for each paragraph. [default: where predict makes a table of text files]",
        ),
        click.option("--prefix", default="", help="Put before the names of new fields."),
        click.option("--html", "is_html", is_flag=True, help="The text is HTML (needs dechrome[html])."),
        click.option("--encoding", default="utf-8", show_default=True, help="Of text, JSON Lines, tables."),
        click.option("--max-bytes", default=1 << 28, show_default=True, help="Of a record."),
        click.option("--model", type=path, help="Model folder. [default: the shipped one]"),
        click.option(
            "--favor", type=choice(FAVORS), default="balanced", show_default=True,
            help="Keep less chrome, or lose less content: which of the model's thresholds to use.",
        ),
        click.option("--threshold", type=float, help="Least p_content of content instead, in [0, 1]."),
        jobs_option(1, "Processes"),
        click.option("--shard-size", type=click.IntRange(1), help="Records to a file, where -o is a folder."),
        click.option("--resume", is_flag=True, help="Go on with a run that was stopped."),
        click.option(
            "--overwrite", is_flag=True,
            help="Begin again in a folder that holds a run; what it wrote is removed first.",
        ),
        click.option("--errors", type=path, help="Write records that are passed over here (JSON Lines)."),
        click.option("--strict", is_flag=True, help="Stop at the first of them."),
        click.option("-q", "--quiet", is_flag=True, help="No progress and no summary."),
    ]  # fmt: skip
    return lambda command: functools.reduce(lambda made, option: option(made), reversed(options), command)


@click.command()
@_document_options("paragraphs")
@click.option("--keep", help="Kinds to list, separated by commas. [default: all]")
def predict(keep: str | None, **options: Any) -> None:
    """Label every paragraph of FILES: files, folders, patterns, - for stdin.

    Formats, by name or option: plain text, HTML, JSON Lines, CSV, TSV, WET, WARC (each also .gz and
    .zst) and Parquet. A file that cannot be read is named on stderr, the others are labelled, and the
    exit code is 2.
    """
    _run(_kinds_of(keep), _ReadableText, **options)


@click.command()
@_document_options("content")
@click.option(
    "--keep", default=",".join(CONTENT_KINDS), show_default=True, help="Kinds to keep, separated by commas."
)
def clean(keep: str, **options: Any) -> None:
    """Keep the article of FILES (as in predict), without the chrome."""
    _run(_kinds_of(keep), None, **options)


def _kinds_of(keep: str | None) -> list[str] | None:
    return None if keep is None else [kind.strip() for kind in keep.split(",") if kind.strip()]


def _run(keep: list[str] | None, text_writer: Any, **o: Any) -> None:
    from dechrome.annotation import Annotation
    from dechrome.files.reading import ReadOptions
    from dechrome.files.runs import Output, RunSettings, run
    from dechrome.prediction import load_model

    if o["threshold"] is not None and not 0 <= o["threshold"] <= 1:
        raise InputError(f"--threshold {o['threshold']}: must lie in [0, 1].")
    inputs = find_inputs(o["files"], o["input_format"])
    is_text = {file.format for file in inputs} <= {"text", "html"}
    is_folder = _is_folder(o)
    _check_output(o, is_folder)
    if o["explode"] is None:
        to = o["output_format"] or (file_type(o["output"].name).format if o["output"] else None)
        o["explode"] = is_text and text_writer is not None and to in ("csv", "tsv")
    columns = tuple(name.strip() for name in o["columns"].split(",") if name.strip())
    annotation = Annotation(columns, o["explode"], keep, o["text_field"], o["prefix"])  # type: ignore[arg-type]
    reading = ReadOptions(o["text_field"], o["id_field"], o["is_html"], o["encoding"], o["max_bytes"])
    model = load_model(o["model"])
    settings = RunSettings(
        reading, annotation, o["favor"], o["threshold"], o["shard_size"],
        f"{o['model'] or 'shipped'} {model.stages.digest()}",
    )  # fmt: skip
    output = Output(
        path=o["output"],
        is_folder=is_folder,
        format=o["output_format"] or (None if o["output"] else _format_on_stdout(inputs[0].format)),
        text_becomes="text" if text_writer is None else "jsonl",
        compression=o["compress"],
        stream=sys.stdout.buffer,
        resume=o["resume"],
        overwrite=o["overwrite"],
        errors=o["errors"],
        text_writer=text_writer and functools.partial(text_writer, is_named=len(inputs) > 1 or not is_text),
        strict=o["strict"],
    )
    tally = run(
        inputs,
        model,
        settings,
        output,
        o["jobs"],
        o["quiet"],
        functools.partial(click.echo, err=True),
    )
    if not o["quiet"] and (output.path is not None or not is_text):
        click.echo("\n".join(tally.lines()), err=True)
    if tally.bad_files:
        raise SystemExit(2)


def _format_on_stdout(first: str) -> Any:
    return "text" if first in ("text", "html") else "jsonl" if first == "parquet" else None


def _is_folder(o: dict[str, Any]) -> bool:
    output: Path | None = o["output"]
    is_folder = output is not None and (output.is_dir() or file_type(output.name).format is None)
    if output is not None:
        found = next((place for place in (output, *output.parents) if place.exists()), output)
        if is_folder and found.exists() and not found.is_dir():
            raise InputError(f"{found}: is a file, not a folder; name a folder or a file of a known format.")
        if not is_folder and not output.parent.is_dir():
            raise InputError(f"{output.parent}: no such folder to write {output.name} into.")
    if o["resume"] and o["overwrite"]:
        raise InputError("--resume and --overwrite: go on with a run or begin it again, not both.")
    for option in ("resume", "overwrite", "shard_size"):
        if o[option] and not is_folder:
            raise InputError(f"--{option.replace('_', '-')}: needs a folder to write into (-o FOLDER).")
    return is_folder


def _check_output(o: dict[str, Any], is_folder: bool) -> None:
    output, compression = o["output"], o["compress"]
    if output is None:
        if compression not in (None, "none") and o["output_format"] != "parquet":
            raise InputError(
                f"--compress {compression}: stdout is not compressed; "
                f"name a file with -o, or pipe it through {compression}."
            )
    elif not is_folder and o["output_format"] is None:
        named = file_type(output.name).format
        if named not in OUTPUT_FORMATS:
            raise InputError(
                f"{output}: {named} is not written, only {', '.join(OUTPUT_FORMATS)}; "
                "choose another name, or one of these with --to."
            )


def _printable(text: str) -> str:
    """The text without what a terminal would take for commands."""
    return "".join(c if c.isprintable() or c in _HARMLESS else " " for c in text)


class _ReadableText:
    """Kind, probability and text of each paragraph, in colour on a terminal."""

    def __init__(self, file: IO[bytes], annotation: Annotation, is_named: bool) -> None:
        self._file, self._annotation, self._is_named = file, annotation, is_named
        self._is_coloured = file.isatty()

    def write(self, record: Any, predictions: Any) -> None:
        if self._is_named:
            title = record.place or record.fields["document"]  # a file that is one document has no place
            self._line(click.style(f"== {_printable(title)} ==", bold=True))
        for p in predictions or ():
            if self._annotation.keep is None or p.kind in self._annotation.keep:
                shown = click.style(_printable(p.text), bold=p.kind == "headline", dim=p.label == "chrome")
                kind = click.style(f"{p.kind:<10}", fg=_KIND_COLOURS[p.kind])
                self._line(f"{kind} {p.p_content:.2f}  {shown}")

    def _line(self, text: str) -> None:
        self._file.write(
            ((text if self._is_coloured else click.unstyle(text)) + "\n").encode("utf-8", "replace")
        )

    def close(self) -> None:
        """Nothing is held back."""
