"""Clean the documents of a DataFrame.

::

    pip install dechrome pyarrow
    python examples/pandas_frame.py INPUT OUTPUT

INPUT and OUTPUT are JSON Lines or, by their names, Parquet; the documents stand in the column ``text``.
The rows come out with a column ``content`` more.
"""

import pandas as pd
from sample import paths

from dechrome import annotate


def main() -> None:
    """Read, label, write."""
    source, target = paths("cleaned.jsonl")
    if source.suffix == ".parquet":
        frame = pd.read_parquet(source)
    else:
        frame = pd.read_json(source, lines=True, dtype=False, convert_dates=False)  # "007" stays "007"

    cleaned = annotate(frame, n_jobs=2)

    if target.suffix == ".parquet":
        cleaned.to_parquet(target, index=False)
    else:
        cleaned.to_json(target, orient="records", lines=True, force_ascii=False)


if __name__ == "__main__":
    main()
