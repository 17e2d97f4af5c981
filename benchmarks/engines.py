"""Dechrome inside other engines: documents a second, start-up and memory, on the same documents.

    pip install -e ".[engines,files]" psutil
    python benchmarks/engines.py --documents 100000 -o data/results/engines.md

The documents are recombined from ``seeds/``: the story of one between the chrome of another. Every run is a
process of its own that reads files and writes files, once for a few documents, which gives the start-up, and
once for all; what lies between the two is the steady rate. Arithmetic has one thread in each process. The
content of every document must be the bare library's. Engines that are not installed are left out.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dechrome import load_model
from dechrome.labels import CONTENT_KINDS
from dechrome.training.seeds import read_seeds

_SEEDS = Path(__file__).parents[1] / "seeds"
_SHARDS = 8
_FEW = 16
_SECONDS_BETWEEN_SAMPLES = 0.5
_Row = dict[str, str]


# --- the documents -------------------------------------------------------------------------------


def make_documents(n: int) -> Iterator[_Row]:
    """Recombine seeds, always in the same way."""
    seeds = read_seeds(_SEEDS)
    bounds = []
    for seed in seeds:
        content = [i for i, kind in enumerate(seed.kinds) if kind in CONTENT_KINDS]
        bounds.append((content[0], content[-1] + 1) if content else (len(seed.kinds), len(seed.kinds)))
    choice = random.Random(0)
    for i in range(n):
        story, frame = choice.randrange(len(seeds)), choice.randrange(len(seeds))
        start, stop = bounds[story]
        middle = [p for p in seeds[story].paragraphs[start:stop] if choice.random() < 0.9]
        before, after = bounds[frame]
        paragraphs = (*seeds[frame].paragraphs[:before], *middle, *seeds[frame].paragraphs[after:])
        # Never empty: datatrove's readers pass over documents without text.
        text = ("\n\n", "\n\n", "\n")[i % 3].join(paragraphs or seeds[story].paragraphs)
        yield {"id": f"{i:07d}", "language": seeds[story].language, "text": text}


def write_shards(rows: list[_Row], folder: Path) -> None:
    """The rows as JSON Lines and, where pyarrow is installed, as Parquet, in shards of like size."""
    (folder / "jsonl").mkdir(parents=True)
    (folder / "parquet").mkdir()
    for shard in range(_SHARDS):
        mine = rows[shard::_SHARDS]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in mine)
        (folder / "jsonl" / f"{shard}.jsonl").write_text(lines, encoding="utf-8")
        if _is_installed("pyarrow"):
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist(mine), folder / "parquet" / f"{shard}.parquet")


def read_contents(folder: Path) -> dict[str, bytes]:
    """A hash of what was kept of each document, by its id."""
    found: dict[str, bytes] = {}
    for row in _rows_below(folder):
        # datatrove puts the content in the place of the text, and writes no text that is empty.
        content = row["content"] if "content" in row else row.get("text", "")
        if row["id"] in found:
            raise ValueError(f"document {row['id']} came twice")
        found[row["id"]] = hashlib.blake2b(content.encode(), digest_size=16).digest()
    return found


def _rows_below(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*.jsonl")):
        if not path.name.startswith("_"):
            with path.open(encoding="utf-8") as file:
                yield from map(json.loads, file)
    for path in sorted(folder.rglob("*.parquet")):
        import pyarrow.parquet as pq

        for batch in pq.ParquetFile(path).iter_batches(columns=["id", "content"]):
            yield from batch.to_pylist()


# --- the engines, each in its own process ----------------------------------------------------------


def _library(source: Path, target: Path, workers: int) -> None:
    ids: list[str] = []

    def texts() -> Iterator[str]:
        for path in sorted(source.iterdir()):
            with path.open(encoding="utf-8") as file:
                for row in map(json.loads, file):
                    ids.append(row["id"])
                    yield row["text"]

    target.mkdir()
    with (target / "out.jsonl").open("w", encoding="utf-8") as file:
        for number, found in enumerate(load_model().predict_documents(texts())):
            row = {"id": ids[number], "content": found.content()}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _command_line(source: Path, target: Path, workers: int) -> None:
    from dechrome.cli import main

    main(["clean", str(source), "-o", str(target), "--jobs", str(workers), "--quiet"])


def _datatrove(source: Path, target: Path, workers: int) -> None:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    from dechrome.integrations.datatrove import ChromeFilter

    writer = JsonlWriter(str(target), output_filename="${rank}.jsonl", compression=None)
    steps = [JsonlReader(str(source)), ChromeFilter(), writer]
    logs = str(target.with_name("logs"))
    LocalPipelineExecutor(steps, tasks=workers, workers=workers, logging_dir=logs).run()


def _ray(source: Path, target: Path, workers: int) -> None:
    import ray

    from dechrome.integrations.arrow import ArrowLabeler

    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    dataset = ray.data.read_parquet(str(source), override_num_blocks=_SHARDS)
    labelled = dataset.map_batches(ArrowLabeler(), batch_format="pyarrow", batch_size=1024)
    labelled.write_parquet(str(target))


def _datasets(source: Path, target: Path, workers: int) -> None:
    from datasets import load_dataset  # type: ignore[import-untyped]

    from dechrome.integrations.arrow import ArrowLabeler

    files = sorted(map(str, source.iterdir()))
    dataset = load_dataset("parquet", data_files=files, split="train").with_format("arrow")
    labelled = dataset.map(ArrowLabeler(), batched=True, num_proc=None if workers == 1 else workers)
    target.mkdir()
    labelled.to_parquet(str(target / "out.parquet"))


def _spark(source: Path, target: Path, workers: int) -> None:
    from pyspark.sql import SparkSession

    from dechrome.integrations.arrow import ArrowLabeler

    builder = SparkSession.builder.master(f"local[{workers}]").config("spark.ui.enabled", "false")
    spark = builder.getOrCreate()
    frame = spark.read.parquet(str(source))
    schema = "id string, language string, text string, content string"
    frame.mapInArrow(ArrowLabeler(), schema).write.parquet(str(target))
    spark.stop()


@dataclass(frozen=True)
class _Engine:
    run: Callable[[Path, Path, int], None]
    reads: str = "parquet"
    needs: tuple[str, ...] = ("pyarrow",)
    workers: tuple[int, ...] = (1, 2)


_ENGINES = {
    "bare library": _Engine(_library, "jsonl", (), (1,)),
    "dechrome clean, JSON Lines": _Engine(_command_line, "jsonl", ()),
    "dechrome clean, Parquet": _Engine(_command_line),
    "datatrove": _Engine(_datatrove, "jsonl", ("datatrove", "orjson")),
    "Ray Data": _Engine(_ray, needs=("ray", "pyarrow")),
    "Hugging Face datasets": _Engine(_datasets, needs=("datasets", "pyarrow")),
    "Spark": _Engine(_spark, needs=("pyspark", "pyarrow")),
}
_BARE = "bare library"


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _lacks(engine: _Engine) -> str:
    """Why an engine cannot run here; empty if it can."""
    lacking = [module for module in engine.needs if not _is_installed(module)]
    if engine.run is _spark and not lacking and not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        lacking = ["Java"]
    return f"{' and '.join(lacking)} not installed" if lacking else ""


# --- measuring -------------------------------------------------------------------------------------


def _tree_megabytes(pid: int) -> float:
    """Memory of a process and all below it; what several share counts once (on Linux)."""
    import psutil  # type: ignore[import-untyped]

    def held(process: psutil.Process) -> float:
        try:
            info = process.memory_full_info()
        except psutil.Error:  # it has ended meanwhile
            return 0.0
        return float(getattr(info, "pss", info.rss))

    try:
        parent = psutil.Process(pid)
        return sum(map(held, (parent, *parent.children(recursive=True)))) / 1e6
    except psutil.Error:
        return 0.0


def _run_watched(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of a process, and the most memory that it and its children held, in MB.

    Without psutil the memory is that of the largest of them.
    """
    with (folder / "messages").open("w+", encoding="utf-8", errors="replace") as messages:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=messages, stderr=subprocess.STDOUT
        )
        most = 0.0
        if _is_installed("psutil"):
            while process.poll() is None:
                most = max(most, _tree_megabytes(process.pid))
                try:
                    process.wait(_SECONDS_BETWEEN_SAMPLES)
                except subprocess.TimeoutExpired:
                    continue
        else:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            most = usage.ru_maxrss / 1e3
        seconds = time.perf_counter() - started
        if process.returncode:
            messages.seek(0)
            raise RuntimeError(f"exit code {process.returncode}: {' '.join(messages.read().split()[-30:])}")
    return seconds, most


@dataclass(frozen=True)
class _Measured:
    startup: float
    seconds: float
    rate: float | None
    """Documents a second; None where the run was too short to tell."""
    megabytes: float
    contents: dict[str, bytes]


def measure(name: str, workers: int, few: Path, many: Path, n: int) -> _Measured:
    """Run an engine on a few documents, twice, and on all."""
    engine = _ENGINES[name]

    def run(source: Path) -> tuple[float, float, dict[str, bytes]]:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "out"
            environment = os.environ | {
                "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
                "HF_HOME": str(Path(folder) / "cache"), "HF_HUB_OFFLINE": "1",
                "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1",
            }  # fmt: skip
            command = [sys.executable, str(Path(__file__).resolve()), "--run", name, str(workers)]
            command += [str(source / engine.reads), str(target)]
            return *_run_watched(command, Path(folder), environment), read_contents(target)

    startups = [run(few)[0] for _ in range(2)]
    seconds, megabytes, contents = run(many)
    steady = seconds - min(startups)
    is_told = steady >= max(1.0, 3 * (max(startups) - min(startups)))
    rate = (n - _FEW) / steady if is_told else None
    return _Measured(min(startups), seconds, rate, megabytes, contents)


def compare(n: int, only: list[str]) -> tuple[list[str], bool]:
    """Lines of the report, and whether every engine kept the same."""
    rows = [
        "| engine | workers | documents/s | seconds | start-up, s | peak memory, MB "
        "| overhead a worker | same content |",
        "|---|---|---|---|---|---|---|---|",
    ]
    notes = []
    is_good = True
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder) / "few", Path(folder) / "many"
        documents = list(make_documents(n))
        megabytes = sum(len(row["text"].encode()) for row in documents) / 1e6
        write_shards(documents[:_FEW], few)
        write_shards(documents, many)
        del documents
        bare: _Measured | None = None
        for name, engine in _ENGINES.items():
            if only and name not in (*only, _BARE):
                continue
            if lacks := _lacks(engine):
                notes.append(f"{name} is left out: {lacks}.")
                continue
            for workers in engine.workers:
                print(f"{name}, {workers}", file=sys.stderr, flush=True)
                try:
                    found = measure(name, workers, few, many, n)
                except (RuntimeError, ValueError, OSError) as error:
                    if bare is None:
                        raise
                    notes.append(f"{name}, {workers}, failed: {error}")
                    is_good = False
                    continue
                bare = bare or found
                is_same = found.contents == bare.contents
                is_good = is_good and is_same
                rate = "too short" if found.rate is None else f"{found.rate:.0f}"
                overhead = ""
                if found is not bare and found.rate and bare.rate:
                    overhead = f"{bare.rate * workers / found.rate - 1:+.0%}"
                rows.append(
                    f"| {name} | {workers} | {rate} | {found.seconds:.1f} | {found.startup:.1f} "
                    f"| {found.megabytes:.0f} | {overhead} | {'yes' if is_same else 'NO'} |"
                )
                print(rows[-1], file=sys.stderr, flush=True)
    head = f"{n:,} documents, {megabytes:.1f} MB of text, {_cores()} cores. {_versions()}.\n"
    return [head, *rows, *(f"\n{note}" for note in notes)], is_good


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _versions() -> str:
    names = dict.fromkeys(module for engine in _ENGINES.values() for module in engine.needs)
    python = ".".join(map(str, sys.version_info[:3]))
    return ", ".join(
        [f"Python {python}", *(f"{n} {importlib.metadata.version(n)}" for n in names if _is_installed(n))]
    )


def _explain() -> str:
    memory = (
        "the process and all its children, shared pages once, sampled"
        if _is_installed("psutil")
        else "of the largest process, psutil not being installed"
    )
    return (
        "The bare library is a loop that reads JSON Lines, calls `predict_documents` and writes id and "
        f"content. Start-up is the whole process on {_FEW} documents, the better of two; documents a second "
        "are those after them, in the time after it, unless that is under a second or not well above the "
        f"difference of the two; seconds is the whole process. Peak memory: {memory}. Overhead: what a "
        "document costs more of a worker's time than in the bare library. Same content: of every document, "
        "by id, as the bare library's."
    )


def main() -> None:
    """Measure all engines and write the report; or, for one of its processes, run one."""
    if sys.argv[1:2] == ["--run"]:
        name, workers, source, target = sys.argv[2:]
        _ENGINES[name].run(Path(source), Path(target), int(workers))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--only", action="append", default=[], choices=list(_ENGINES), help="and the library")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.documents <= _FEW:
        parser.error(f"--documents: more than {_FEW}")
    lines, is_good = compare(arguments.documents, arguments.only)
    options = "".join(f' --only "{name}"' for name in arguments.only)
    command = f"python benchmarks/engines.py --documents {arguments.documents}{options}"
    text = f"# Inside other engines\n\nWritten by `{command} -o {arguments.output.name}` in one run.\n\n"
    text += f"{_explain()}\n\n" + "\n".join(lines) + "\n"
    arguments.output.write_text(text, encoding="utf-8")
    print(text)
    if not is_good:
        raise SystemExit("Not every engine ran and kept the same; see the report.")


if __name__ == "__main__":
    main()
