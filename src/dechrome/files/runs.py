"""Many files -> many files: one stream through the model, into shards, with progress."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dechrome.errors import InputError
from dechrome.files.formats import InputFile
from dechrome.files.lines import check_encoding
from dechrome.files.reading import ReadOptions, RecordReader
from dechrome.files.records import BadRecord, Record
from dechrome.files.run_log import Output, RunLog, RunSettings
from dechrome.files.shards import ErrorLog, Shards, check_targets
from dechrome.files.tally import Tally
from dechrome.prediction import ParagraphModel
from dechrome.results import Predictions

__all__ = ["Output", "RunSettings", "Tally", "run"]


# --- the stream ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Begin:
    file: InputFile
    reader: RecordReader
    n_done: int
    """Records of it that an earlier run has written."""


@dataclass(frozen=True, slots=True)
class _End:
    file: InputFile
    failure: str | None


_Event = _Begin | _End | Record | BadRecord


def _read_events(
    inputs: Sequence[InputFile], options: ReadOptions, n_done: Callable[[InputFile], int | None]
) -> Iterator[_Event]:
    for file in inputs:
        done = n_done(file)
        if done is None:
            continue
        reader = RecordReader(file, options)
        yield _Begin(file, reader, done)
        failure = None
        try:
            for number, record in enumerate(reader):
                if number >= done:
                    yield record
        except InputError as error:
            failure = " ".join(str(error).split())
        yield _End(file, failure)


def _label_events(
    events: Iterable[_Event], model: ParagraphModel, settings: RunSettings, n_jobs: int
) -> Iterator[tuple[_Event, Predictions | None]]:
    """The same events, each record with its predictions; documents of many files share batches.

    What has no text goes along as an empty document, so that a batch never waits for a good record.
    """
    waiting: deque[_Event] = deque()

    def texts() -> Iterator[str | Sequence[str]]:
        for event in events:
            waiting.append(event)
            yield () if not isinstance(event, Record) or event.text is None else event.text

    for predictions in model.predict_documents(
        texts(), settings.threshold, favor=settings.favor, n_jobs=n_jobs
    ):
        event = waiting.popleft()
        has_text = isinstance(event, Record) and event.text is not None
        yield event, predictions if has_text else None


# --- progress ------------------------------------------------------------------------------------


class _Progress:
    """A bar on a terminal; elsewhere a line now and then."""

    _SECONDS = 30.0

    def __init__(self, inputs: Sequence[InputFile], quiet: bool, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._total = sum(file.n_bytes for file in inputs)
        is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._is_logged = not quiet and not is_terminal
        self._bar: Any = None
        if is_terminal and not quiet:
            from tqdm import tqdm

            self._bar = tqdm(total=self._total or None, unit="B", unit_scale=True, leave=False)
        self._before = 0
        self._n = 0
        self._start = self._told = time.monotonic()

    def end_file(self, file: InputFile) -> None:
        self._before += file.n_bytes

    def update(self, reader: RecordReader) -> None:
        self._n += 1
        if self._n % 64:
            return
        now = time.monotonic()
        read = self._before + reader.n_bytes_read()
        if self._bar is not None:
            self._bar.set_postfix_str(
                f"{self._n / max(1e-9, now - self._start):,.0f} documents/s", refresh=False
            )
            self._bar.update(max(0, read - self._bar.n))
        elif self._is_logged and now - self._told >= self._SECONDS:
            self._told = now
            passed = now - self._start
            left = f", {passed * (self._total - read) / read:,.0f} s left" if read and self._total else ""
            share = f", {read / self._total:.0%} of the input" if self._total else ""
            self._tell(f"{self._n:,} documents, {self._n / passed:,.0f} a second{share}{left}")

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


# --- the run -------------------------------------------------------------------------------------


def run(
    inputs: Sequence[InputFile],
    model: ParagraphModel,
    settings: RunSettings,
    output: Output,
    n_jobs: int = 1,
    quiet: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Tally:
    """Label the documents of files and write them.

    Parameters
    ----------
    inputs : sequence of InputFile
    model : ParagraphModel
    settings : RunSettings
    output : Output
    n_jobs : int
        Processes, -1 for one a core.
    quiet : bool
        No progress.
    tell : callable
        Takes a line for each file that cannot be read, and lines of progress where there is no terminal.

    Returns
    -------
    Tally
        Earlier parts of a resumed run included.

    Raises
    ------
    InputError
        If the output cannot be used, an earlier run had other settings, or, where ``output.strict``, at
        the first bad record or file. Shards that are whole stay.
    DechromeError
        If the encoding is unknown.
    """
    check_targets(inputs, output)
    check_encoding(settings.reading.encoding)
    log = RunLog(inputs, output, settings)
    errors = ErrorLog(output.errors, log.errors_length)
    shards = Shards(output, settings, log, errors, tell)
    progress = _Progress([file for file in inputs if file.name not in log.finished], quiet, tell)

    def n_done(file: InputFile) -> int | None:
        if log.n_bytes.get(file.name, file.n_bytes) != file.n_bytes:
            raise InputError(f"{file.shown}: has changed since the run that is resumed; --overwrite it.")
        return None if file.name in log.finished else log.n_done.get(file.name, 0)

    events = _read_events(inputs, settings.reading, n_done)
    reader: RecordReader | None = None
    try:
        for event, predictions in _label_events(events, model, settings, n_jobs):
            if isinstance(event, _Begin):
                reader = event.reader
                shards.begin(event.file, event.reader)
            elif isinstance(event, _End):
                shards.end(event.failure)
                progress.end_file(event.file)
            else:
                shards.add(event, predictions)
                assert reader is not None
                progress.update(reader)
        if not output.is_folder and inputs:
            shards.commit(last=True)
        log.finish()
    except BaseException as error:
        shards.abandon(error)
        raise
    finally:
        progress.close()
        errors.close()
        log.close()
    return log.tally
