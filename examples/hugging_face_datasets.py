"""Clean a Hugging Face dataset.

::

    pip install 'dechrome[datasets]'
    python examples/hugging_face_datasets.py INPUT OUTPUT

INPUT and OUTPUT are JSON Lines or, by their names, Parquet. The rows come out with a column ``content``
more. A second run takes the result from the cache of ``datasets``.
"""

from datasets import load_dataset
from sample import paths

from dechrome.integrations.arrow import ArrowLabeler


def main() -> None:
    """Label Arrow tables in two processes."""
    source, target = paths("cleaned.jsonl")
    kind = "parquet" if source.suffix == ".parquet" else "json"
    dataset = load_dataset(kind, data_files=str(source), split="train")

    cleaned = dataset.with_format("arrow").map(ArrowLabeler("text"), batched=True, num_proc=2)

    if target.suffix == ".parquet":
        cleaned.to_parquet(str(target))
    else:
        cleaned.to_json(str(target), force_ascii=False)


if __name__ == "__main__":
    main()
