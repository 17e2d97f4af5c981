"""What the engines are given: documents made of seeds, and what the library makes of them."""

from __future__ import annotations

import functools
import json
import os
import signal
from pathlib import Path

from dechrome import load_model
from dechrome.training.seeds import read_seeds

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


@functools.cache
def documents():
    """Forty rows in a few languages, half of them cut by blank lines and half by lines."""
    seeds = [seed for seed in read_seeds(ROOT / "seeds") if seed.language in ("en", "tr", "hi", "zh", "ar")]
    return [
        {"id": f"{i:03d}", "language": seed.language, "text": ("\n\n", "\n")[i % 2].join(seed.paragraphs)}
        for i, seed in enumerate(seeds[:: max(1, len(seeds) // 40)][:40])
    ]


@functools.cache
def predictions():
    """Of each document by its id, in one process."""
    texts = [row["text"] for row in documents()]
    return dict(zip((row["id"] for row in documents()), load_model().predict_documents(texts), strict=True))


@functools.cache
def contents():
    """The article of each document by its id."""
    return {name: found.content() for name, found in predictions().items()}


@functools.cache
def exploded():
    """(id, number, text, kind) of every paragraph."""
    return [
        (name, number, p.text, p.kind) for name, found in predictions().items() for number, p in enumerate(found)
    ]  # fmt: skip


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def read_lines(*paths):
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def contents_of(rows):
    """Contents by id; a row that came twice is an error."""
    found = {row["id"]: row["content"] for row in rows}
    assert len(found) == len(rows), "a document came twice"
    return found


def die_once(marker):
    """End this process as the kernel does when memory runs out, the first time only."""
    try:
        with Path(marker).open("x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
