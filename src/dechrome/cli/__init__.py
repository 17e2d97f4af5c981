"""The ``dechrome`` command: ``predict | clean | corpus build | distil | train | evaluate``.

Results go to stdout, all else to stderr. Exit codes: 0 done, 2 something in the input is wrong (one
line says what, where, and what to do). Heavy modules are imported inside the commands, so that
``--help`` answers at once.
"""

from __future__ import annotations

import io
import sys
from typing import Any

import click

from dechrome.cli.documents import clean, predict
from dechrome.cli.training import corpus, distil, evaluate, train
from dechrome.errors import DechromeError

__all__ = ["main"]


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


for _command in (predict, clean, corpus, distil, train, evaluate):
    main.add_command(_command)
