"""Clean documents in a datatrove pipeline, and drop those of which too little is left.

::

    pip install 'dechrome[datatrove]'
    python examples/datatrove_pipeline.py INPUT OUTPUT

INPUT is a file, JSON Lines or Parquet, or a folder of JSON Lines; each task reads its share of the files.
OUTPUT is a folder. A second run with the same OUTPUT makes only the tasks that the first did not finish.
"""

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import JsonlReader, ParquetReader
from datatrove.pipeline.writers import JsonlWriter
from sample import paths

from dechrome.integrations.datatrove import ChromeFilter


def main() -> None:
    """Run two tasks in two processes."""
    source, target = paths("cleaned")
    folder, pattern = (source, None) if source.is_dir() else (source.parent, source.name)
    reader = ParquetReader if source.suffix == ".parquet" else JsonlReader
    pipeline = [
        reader(str(folder), glob_pattern=pattern),
        ChromeFilter(min_characters=1, exclusion_writer=JsonlWriter(str(target / "dropped"))),
        JsonlWriter(str(target / "documents")),
    ]
    LocalPipelineExecutor(pipeline, tasks=2, workers=2, logging_dir=str(target / "logs")).run()


if __name__ == "__main__":
    main()
