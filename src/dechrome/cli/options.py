"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

__all__ = ["jobs_option"]


def jobs_option(default: int, workers: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--jobs``: so many ``workers`` (processes or threads), or -1."""
    return click.option(
        "--jobs", default=default, show_default=True, callback=_check_jobs, help=f"{workers}; -1: one a core."
    )


def _check_jobs(context: click.Context, parameter: click.Parameter, value: int) -> int:
    if value < -1 or value == 0:
        raise click.BadParameter(f"{value}: must be 1 or more, or -1 for one a core.")
    return value
