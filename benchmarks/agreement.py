"""Agreement of the two readings of data/labelled/, by kind.

python benchmarks/agreement.py -o data/results/agreement.md
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from sklearn.metrics import cohen_kappa_score

from dechrome.labels import CONTENT_KINDS, KINDS
from dechrome.training.building import expand_kinds

_LABELS = Path(__file__).parents[1] / "data" / "labelled"


def main() -> None:
    """Compare the labels of paragraphs read twice and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    output = parser.parse_args().output
    read: dict[tuple[str, int], str] = {}
    again: dict[tuple[str, int], tuple[str, str]] = {}
    for path in sorted(_LABELS.glob("*.jsonl")):
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            first = expand_kinds(row["kind"])
            places = [(row["document_id"], row["position"] + i) for i in range(len(first))]
            read |= dict(zip(places, first, strict=True))
            if "second" in row:
                again |= zip(places, zip(first, expand_kinds(row["second"]), strict=True), strict=True)
    known = [kind for kind in read.values() if kind != "?"]
    pairs = [pair for pair in again.values() if "?" not in pair]
    first, second = zip(*pairs, strict=True)
    same_kind = sum(a == b for a, b in pairs) / len(pairs)
    same_label = sum((a in CONTENT_KINDS) == (b in CONTENT_KINDS) for a, b in pairs) / len(pairs)
    lines = [
        "# Agreement of two readings\n",
        f"Written by `python benchmarks/agreement.py -o {output}`.\n",
        f"{len(known)} paragraphs read, {len(pairs)} of them twice: the kind agrees in {same_kind:.3f} "
        f"(Cohen's kappa {cohen_kappa_score(first, second):.3f}), the label in {same_label:.3f}.\n",
        "| kind | read | twice (mean of both readings) | agreement (F1 of one against the other) |",
        "|---|---|---|---|",
    ]
    for kind in KINDS:
        both = sum(a == b == kind for a, b in pairs)
        either = sum((a == kind) + (b == kind) for a, b in pairs)
        lines.append(f"| {kind} | {known.count(kind)} | {either / 2:g} | {2 * both / max(either, 1):.3f} |")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
