"""INPUT and OUTPUT of the examples; without them, a small file made of ``seeds/`` and a new folder."""

import json
import sys
import tempfile
from pathlib import Path

from dechrome.training.seeds import read_seeds


def paths(output: str) -> tuple[Path, Path]:
    """What the command line names; ``output`` is what the default is called."""
    if len(sys.argv) == 3:
        return Path(sys.argv[1]), Path(sys.argv[2])
    if len(sys.argv) != 1:
        raise SystemExit(f"usage: python {sys.argv[0]} [INPUT OUTPUT]")
    folder = Path(tempfile.mkdtemp())
    with (folder / "documents.jsonl").open("w", encoding="utf-8") as file:
        for seed in read_seeds(Path(__file__).parents[1] / "seeds")[::40]:
            row = {"id": seed.name, "language": seed.language, "text": "\n\n".join(seed.paragraphs)}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    sys.stderr.write(f"{folder / 'documents.jsonl'} -> {folder / output}\n")
    return folder / "documents.jsonl", folder / output
