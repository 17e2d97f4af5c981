"""A datatrove run of two workers, one of which may be killed: ``trove.py INPUT OUTPUT LOGS [MARKER]``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("datatrove")  # pytest looks for doctests here, too

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from seeded import die_once

from dechrome.integrations.datatrove import ChromeFilter


class DieOnce(PipelineStep):
    """Kills the worker of task 0 at its fifth document, once the other task is through."""

    name, type = "Die once", "test"

    def __init__(self, marker, other):
        super().__init__()
        self.marker, self.other = marker, other

    def run(self, data, rank=0, world_size=1):
        for number, document in enumerate(data):
            if rank == 0 and number == 5 and not self.marker.exists():
                while not self.other.exists():
                    time.sleep(0.05)
                die_once(self.marker)
            yield document


def run(source, target, logs, marker=None, tasks=2, workers=2):
    steps = [
        JsonlReader(str(source)),
        ChromeFilter(batch_size=4),
        *([DieOnce(marker, logs / "completions" / "00001")] if marker else []),
        JsonlWriter(str(target), output_filename="${rank}.jsonl", compression=None),
    ]
    return LocalPipelineExecutor(steps, tasks=tasks, workers=workers, logging_dir=str(logs)).run()


if __name__ == "__main__":
    run(*map(Path, sys.argv[1:]))
