"""Speed beside other tools, in one run on the same pages, as ratios; and how cost grows.

    pip install -e ".[peers]"
    OMP_NUM_THREADS=1 python benchmarks/speed.py CORPUS SOURCE... -o data/results/speed.md

Uses one core (set OMP_NUM_THREADS=1). Text documents are the visible blocks of held-out pages, one a line, in
random order; trafilatura reads the HTML of the same pages.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from accuracy import pages_of, parse_arguments, read_with
from dechrome.prediction import ParagraphModel, load_model
from dechrome.training.corpus import Document, read_corpus

_PAGES = 300
_REPEATS = 3


def _best(work: Callable[[], object], repeats: int = _REPEATS) -> float:
    """Least seconds of some runs: noise only ever adds."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def _consume(model: ParagraphModel, texts: Iterable[str], kinds: bool, n_jobs: int = 1) -> None:
    for _ in model.predict_documents(texts, kinds=kinds, n_jobs=n_jobs):
        pass


def workers(model: ParagraphModel, texts: Sequence[str]) -> list[str]:
    """What a second process brings on the same documents, the workers being up."""
    texts = list(texts) * 8
    one, two = (_best(lambda n=n: _consume(model, texts, True, n), 2) for n in (1, 2))  # type: ignore[misc]
    return [
        "| n_jobs | documents/s | times that of one |",
        "|---|---|---|",
        *(f"| {n} | {len(texts) / taken:.0f} | {one / taken:.2f} |" for n, taken in ((1, one), (2, two))),
    ]


def compare(model: ParagraphModel, pages: Sequence[tuple[Document, str]]) -> list[str]:
    """Megabytes of text a second of every reader."""
    texts = ["\n".join(document.paragraphs) for document, _ in pages]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    n_paragraphs = sum(len(document.paragraphs) for document, _ in pages)
    seconds = {
        "Dechrome, labels only": _best(lambda: _consume(model, texts, False)),
        "Dechrome, with kinds": _best(lambda: _consume(model, texts, True)),
    }
    for name in (
        "C4 line rules, for all scripts",
        "datatrove, C4 line filter",
        "jusText on text",
        "trafilatura",
    ):
        seconds[name] = _best(lambda name=name: [read_with(name, *page) for page in pages], 1)  # type: ignore[misc]
    ours = seconds["Dechrome, labels only"]
    lines = [
        f"{len(pages)} pages, {megabytes:.2f} MB of text, {n_paragraphs} paragraphs.\n",
        "| tool | MB of text/s | pages/s | Dechrome, labels only, is faster by |",
        "|---|---|---|---|",
    ]
    for name, taken in seconds.items():
        rates = f"{megabytes / taken:.2f} | {len(pages) / taken:.0f} | {taken / ours:.2f}"
        lines.append(f"| {name} | {rates} |")
    return lines


def draw_front(lines: Sequence[str], accuracy: Path, target: Path) -> None:
    """Chart of accuracy (the news column of the other benchmark) against throughput."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "dechrome"
    from matplotlib import pyplot as plt

    scores = {}
    for line in accuracy.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[2].replace(".", "").isdigit():
            scores[cells[0]] = float(cells[2])
    figure, axes = plt.subplots(figsize=(7, 4.2))
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name = cells[0].split(", labels")[0].split(", with")[0]
        if line.startswith("| ") and name in scores:
            x, y = float(cells[1]), scores[name]
            axes.scatter(x, y, color="tab:green" if name == "Dechrome" else "tab:gray")
            axes.annotate(cells[0], (x, y), xytext=(5, 4), textcoords="offset points", fontsize=8)
    axes.set_xscale("log")
    axes.set_xlabel("MB of text a second, one core")
    axes.set_ylabel("document word F1, news")
    axes.margins(x=0.25, y=0.1)
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


def share_of_python(model: ParagraphModel, texts: Sequence[str]) -> list[str]:
    """Where the time goes, by function of this package."""
    profile = cProfile.Profile()
    profile.runcall(_consume, model, texts, True)
    stats = pstats.Stats(profile)
    total = stats.total_tt  # type: ignore[attr-defined]
    rows: dict[str, float] = {}
    for (file, _, function), (_, _, own, _, callers) in stats.stats.items():  # type: ignore[attr-defined]
        if "dechrome" in file:
            rows[f"{Path(file).stem}.{function}"] = rows.get(f"{Path(file).stem}.{function}", 0) + own
        else:
            for (caller_file, _, caller), numbers in callers.items():
                if "dechrome" in caller_file:
                    name = f"{Path(caller_file).stem}.{caller}"
                    rows[name] = rows.get(name, 0) + numbers[2]
    ranked = sorted(rows.items(), key=lambda item: -item[1])[:14]
    return [
        "| function, with what it calls outside the package | share of time |",
        "|---|---|",
        *(f"| `{name}` | {seconds / total:.3f} |" for name, seconds in ranked),
    ]


def growth(model: ParagraphModel, texts: Sequence[str]) -> list[str]:
    """Cost for each unit as documents, paragraphs and one paragraph grow."""
    rows = ["| what grows | size | seconds | for each, against the size before |", "|---|---|---|---|"]
    paragraphs = [line for text in texts for line in text.split("\n")]

    def grow(name: str, sizes: Sequence[int], make: Callable[[int], list[str]]) -> None:
        before = None
        for size in sizes:
            documents = make(size)
            taken = _best(lambda documents=documents: _consume(model, documents, True), 2)  # type: ignore[misc]
            ratio = "" if before is None else f"{taken / size / before:.2f}"
            rows.append(f"| {name} | {size} | {taken:.4f} | {ratio} |")
            before = taken / size

    grow("documents", (100, 1000, 10_000), lambda n: [texts[i % len(texts)][:2000] for i in range(n)])
    grow(
        "paragraphs of one document", (1000, 10_000, 100_000),
        lambda n: ["\n".join(f"{paragraphs[i % len(paragraphs)]} {i}" for i in range(n))],
    )  # fmt: skip
    grow("characters of one paragraph", (500_000, 5_000_000, 50_000_000), lambda n: ["word " * (n // 5)])
    return rows


def latency(model: ParagraphModel, pages: Sequence[tuple[Document, str]]) -> list[str]:
    """Milliseconds for one warm document of 40 paragraphs."""
    document, html = next((d, h) for d, h in pages if len(d.paragraphs) >= 40)
    text = "\n".join(document.paragraphs[:40])
    small = Document(**{name: getattr(document, name) for name in document.__dataclass_fields__})
    object.__setattr__(small, "paragraphs", document.paragraphs[:40])
    ours = _best(lambda: model.predict_paragraphs(text), 50)
    justext = _best(lambda: read_with("jusText on text", small, html), 20)
    return [
        "| one document of 40 paragraphs, warm | ms |",
        "|---|---|",
        f"| Dechrome | {ours * 1e3:.2f} |",
        f"| jusText on text | {justext * 1e3:.2f} |",
    ]


def processes(pages: Sequence[tuple[Document, str]]) -> list[str]:
    """Seconds of whole processes, best of five."""
    document, html = next((d, h) for d, h in pages if d.language == "en" and d.source == "fundus")
    rows = ["| whole process | seconds |", "|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        text_file, html_file = Path(folder) / "page.txt", Path(folder) / "page.html"
        text_file.write_text("\n".join(document.paragraphs), encoding="utf-8")
        html_file.write_text(html, encoding="utf-8")
        code = "import dechrome; dechrome.predict_paragraphs('A line.')"
        scripts = Path(sys.executable).parent
        commands = {
            "python -c 'import numpy'": [sys.executable, "-c", "import numpy"],
            "python -c 'import dechrome'": [sys.executable, "-c", "import dechrome"],
            "first prediction, loading included": [sys.executable, "-c", code],
            "dechrome clean page.txt": [str(scripts / "dechrome"), "clean", str(text_file)],
            "justext page.html": [sys.executable, "-m", "justext", "-s", "English", str(html_file)],
            "trafilatura -i page.html": [str(scripts / "trafilatura")],
        }
        for name, command in commands.items():

            def work(command: list[str] = command) -> None:
                with html_file.open("rb") as page:
                    subprocess.run(command, stdin=page, capture_output=True, check=True)

            rows.append(f"| {name} | {_best(work, 5):.3f} |")
    return rows


def floor(model: ParagraphModel, texts: Sequence[str]) -> list[str]:
    """Bytes a second of the whole chain against what this machine's memory can copy."""
    block = np.zeros(1 << 27, np.uint8)
    bandwidth = 2 * len(block) / _best(block.copy) / 1e9
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    rate = megabytes / _best(lambda: _consume(model, texts, True), 2)
    a = np.zeros((512, 512), np.float32)
    flops = 2 * 512**3 / _best(lambda: a @ a, 20) / 1e9
    operations = sum(2 * w.size for net in model.stages.nets for w in net.weights)
    n = sum(text.count("\n") + 1 for text in texts)
    bytes_each = megabytes * 1e6 / n
    return [
        "| measure | value |",
        "|---|---|",
        f"| memory copied, read and written, GB/s | {bandwidth:.1f} |",
        f"| float32 matrix product, GFLOP/s | {flops:.0f} |",
        f"| text a paragraph, bytes | {bytes_each:.0f} |",
        f"| nets a paragraph, kFLOP | {operations / 1e3:.0f} |",
        f"| text that the nets alone would allow, MB/s | {flops * 1e3 / operations * bytes_each:.1f} |",
        f"| text that the whole chain does, MB/s | {rate:.1f} |",
    ]


def peak_memory(texts: Sequence[str]) -> list[str]:
    """Peak resident memory of streams of two lengths, each in a process of its own."""
    code = (
        "import json, sys, dechrome\n"
        "texts = json.load(sys.stdin)\n"
        "model = dechrome.load_model()\n"
        "stream = (texts[i % len(texts)] for i in range(int(sys.argv[1])))\n"
        "n = sum(1 for _ in model.predict_documents(stream))\n"
        "status = open('/proc/self/status').read()\n"  # getrusage would tell the parent's peak, too
        "print(int(status.split('VmHWM:')[1].split()[0]) // 1024)"
    )
    rows = ["| documents streamed | peak resident MB |", "|---|---|"]
    for size in (500, 5000):
        command = [sys.executable, "-c", code, str(size)]
        found = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)
        rows.append(f"| {size} | {found.stdout.strip()} |")
    return rows


def main() -> None:
    """Run everything and write the report."""
    arguments = parse_arguments(__doc__)
    held_out = [d for d in read_corpus(arguments.corpus) if d.split == "development"]
    wanted = {d.document_id: d for d in held_out if d.source in ("fundus", "daniel", "readability", "wcxb")}
    pages = list(pages_of(arguments.sources, wanted))
    order = np.random.default_rng(0).permutation(len(pages))[:_PAGES]
    pages = [pages[i] for i in order]
    texts = ["\n".join(document.paragraphs) for document, _ in pages]
    model = load_model()
    _consume(model, texts[:20], True)
    parts = {
        "Throughput, one core": compare(model, pages),
        "Worker processes": workers(model, texts),
        "Latency": latency(model, pages),
        "Whole processes": processes(pages),
        "Growth": growth(model, texts),
        "Memory of a stream": peak_memory(texts),
        "Where the time goes": share_of_python(model, texts),
        "How far from the machine's limit": floor(model, texts),
    }
    text = "# Speed\n\nWritten by `benchmarks/speed.py` in one run.\n"
    for title, lines in parts.items():
        text += f"\n## {title}\n\n" + "\n".join(lines) + "\n"
    arguments.output.write_text(text, encoding="utf-8")
    accuracy = arguments.output.with_name("accuracy.md")
    if accuracy.exists():
        draw_front(parts["Throughput, one core"], accuracy, arguments.output.with_name("front.svg"))
    print(text)


if __name__ == "__main__":
    main()
