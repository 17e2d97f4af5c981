"""Clean documents with Ray Data.

::

    pip install 'dechrome[ray]'
    python examples/ray_data.py INPUT OUTPUT

INPUT is a file or a folder of JSON Lines or, by its name, Parquet. OUTPUT is a folder of Parquet files, whose
rows have a column ``content`` more. Ray makes a batch again whose worker died.
"""

import ray
from sample import paths

from dechrome.integrations.arrow import ArrowLabeler


def main() -> None:
    """Label batches in tasks, one for each core."""
    source, target = paths("cleaned")
    ray.init(include_dashboard=False)
    read = ray.data.read_parquet if source.suffix == ".parquet" else ray.data.read_json
    dataset = read(str(source.resolve()))

    # The labeler is sent without its model, which each worker process reads once.
    cleaned = dataset.map_batches(ArrowLabeler("text"), batch_format="pyarrow", batch_size=1024)

    cleaned.write_parquet(str(target.resolve()))


if __name__ == "__main__":
    main()
