"""Labelled paragraphs -> a fastText lexicon.

fastText trains with one thread and in a process of its own: in a process that has trained before,
part of its matrix is uninitialised memory, and the same call gives another model each time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dechrome.fasttext_lexicon import UNKNOWN_CHROME, FastTextLexicon, as_line
from dechrome.labels import KINDS

__all__ = ["fit_fasttext_lexicon"]

#: dim 32 with lr 0.3 gave NaN in the exploration; this is what it measured.
_OPTIONS = {
    "lr": 0.2, "dim": 16, "ws": 5, "epoch": 5, "minCount": 2, "minn": 2, "maxn": 5, "wordNgrams": 2,
    "bucket": 200_000, "thread": 1, "loss": "softmax", "verbose": 0,
}  # fmt: skip
_SCRIPT = """
import json, sys, fasttext
options = json.loads(sys.argv[3])
cutoff = options.pop("cutoff")
model = fasttext.train_supervised(sys.argv[1], **options)
if cutoff:
    model.quantize(input=sys.argv[1], qnorm=True, retrain=True, cutoff=cutoff, thread=1, verbose=0)
model.save_model(sys.argv[2])
"""
_CUTOFF = 50_000


def fit_fasttext_lexicon(
    paragraphs: Sequence[str],
    is_content: npt.NDArray[np.int8],
    kind: npt.NDArray[np.int8],
    rows: npt.NDArray[np.int64],
    quantize: bool,
    random_state: int,
) -> FastTextLexicon:
    """Train a supervised fastText model on the kinds.

    Parameters
    ----------
    paragraphs : sequence of str
    is_content, kind : ndarray of int8, shape (n_paragraphs,)
        -1 where unknown.
    rows : ndarray of int64
        The paragraphs to learn from.
    quantize : bool
        Compress by product quantisation (16 MB -> 1 MB).
    random_state : int

    Raises
    ------
    RuntimeError
        If fastText is not installed or fails, with what it printed.
    """
    import json

    order = np.random.default_rng(random_state).permutation(rows)
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines.txt"
        with lines.open("w", encoding="utf-8") as file:
            for i in order:
                name = KINDS[kind[i]] if kind[i] >= 0 else UNKNOWN_CHROME if is_content[i] == 0 else None
                line = as_line(paragraphs[i])
                if name and line:
                    file.write(f"__label__{name} {line}\n")
        stored = Path(folder) / ("lexicon.ftz" if quantize else "lexicon.bin")
        options = json.dumps({**_OPTIONS, "seed": random_state, "cutoff": _CUTOFF if quantize else 0})
        # MALLOC_PERTURB_ fills what fastText leaves uninitialised with one value, every time.
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, str(lines), str(stored), options],
            env={**os.environ, "MALLOC_PERTURB_": "255", "OMP_NUM_THREADS": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode or not stored.exists():
            raise RuntimeError(
                f"fastText training failed: {done.stderr.strip().splitlines()[-1:] or done.returncode}"
            )
        return FastTextLexicon(stored.read_bytes())
