"""What a user's corrections buy: word F1 on the same site's other pages and on all other sites.

    python benchmarks/corrections.py CORPUS SEEDS_CORPUS -o data/results/corrections.md

CORPUS is what `dechrome corpus build` wrote, with its public pages. Few of the development sites have many
pages, so a model is trained first (with fewer augmented documents than the shipped one) that has not seen the
training sites of at least --leave-out pages either. SEEDS_CORPUS, what `dechrome corpus build seeds` wrote,
stands for the rest of the world in training on. Every site with at least two pages more than are corrected
takes part; in each turn others of its pages are corrected.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from dechrome.evaluation.measures import LEAST_CEILING, evaluate_documents, score_documents
from dechrome.model import Model
from dechrome.training.adapting import AdaptingConfig, adapt_model
from dechrome.training.config import TrainingConfig
from dechrome.training.corpus import Document, read_corpus
from dechrome.training.fitting import fit_model

_SOURCES = ("fundus", "daniel", "readability")
_LEAST_PAGES = 4


def split_off_large_sites(documents: list[Document], least: int) -> tuple[list[Document], list[Document]]:
    """Documents to train a model on, and pages of the sites that it does not see."""
    sizes = Counter(d.site for d in documents if d.source in _SOURCES)
    large = {site for site, size in sizes.items() if size >= least}
    held_out = [
        d for d in documents if d.source in _SOURCES and (d.split == "development" or d.site in large)
    ]
    return [d for d in documents if d.split == "development" or d.site not in large], held_out


def word_f1_by_document(model: Model, documents: list[Document]) -> pd.Series:
    """Word F1 of the documents whose gold can be reached."""
    table = evaluate_documents(score_documents(model, documents))
    return table[table.ceiling >= LEAST_CEILING].set_index("document_id").f1


def measure(
    model: Model, pages: list[Document], rehearsal: list[Document], n: int, turn: int, config: AdaptingConfig
) -> list[dict[str, object]]:
    """Correct n pages of every site that has enough of them."""
    before = word_f1_by_document(model, pages)
    sites: dict[str, list[Document]] = {}
    for page in pages:
        if page.document_id in before.index:
            sites.setdefault(page.site, []).append(page)
    rows = []
    for site, mine in sorted(sites.items()):
        if len(mine) < max(_LEAST_PAGES, n + 2):
            continue
        order = np.random.default_rng(turn).permutation(len(mine))
        corrected = [mine[i] for i in order[:n]]
        after = word_f1_by_document(adapt_model(model, corrected, rehearsal, config), pages)
        same = [mine[i].document_id for i in order[n:]]
        other = before.index.difference([d.document_id for d in mine])
        rows.append(
            {
                "corrected": n, "site": site, "before": before[same].mean(), "after": after[same].mean(),
                "others_before": before[other].mean(), "others_after": after[other].mean(),
            }
        )  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("seeds", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--config", type=json.loads, default={}, help="JSON, see AdaptingConfig")
    parser.add_argument("--numbers", type=int, nargs="+", default=[1, 3, 10, 30])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--leave-out", type=int, default=12, help="pages from which a site is not trained on")
    parser.add_argument("--documents", type=int, default=12_000, help="augmented documents to train on")
    args = parser.parse_args()
    known, pages = split_off_large_sites(read_corpus(args.corpus), args.leave_out)
    model = fit_model(known, replace(TrainingConfig(), n_documents=args.documents), n_jobs=-1)
    rehearsal = [d for d in read_corpus(args.seeds) if d.split == "train"]
    config = AdaptingConfig(**args.config)
    rows = [
        row
        for n in args.numbers
        for turn in range(args.turns)
        for row in measure(model, pages, rehearsal, n, turn, config)
    ]
    table = pd.DataFrame(rows)
    by_site = table.groupby(["corrected", "site"]).mean()
    means = by_site.groupby("corrected").mean()
    means.insert(0, "sites", by_site.groupby("corrected").size())
    means["gain"] = means.after - means.before
    means["change_elsewhere"] = means.others_after - means.others_before
    lines = [
        "| " + " | ".join(["corrected pages", *means.columns]) + " |",
        "|---" * (len(means.columns) + 1) + "|",
    ]
    for n, row in means.iterrows():
        lines.append(f"| {n} | {int(row.sites)} | " + " | ".join(f"{v:.4f}" for v in row.iloc[1:]) + " |")
    command = shlex.join(
        [
            "python", "benchmarks/corrections.py", args.corpus.name, args.seeds.name,
            "-o", f"data/results/{args.output.name}", "--config", json.dumps(args.config),
            "--numbers", *map(str, args.numbers), "--turns", str(args.turns),
            "--leave-out", str(args.leave_out), "--documents", str(args.documents),
        ]
    )  # fmt: skip
    args.output.write_text(
        f"# What corrections buy\n\nWritten by `{command}`: document word F1, means over sites of the pages "
        f"that were not corrected, before and after training on ({config}) from a model that saw none of "
        f"them: {args.documents} augmented documents, no site of {args.leave_out} pages or more.\n\n"
        + "\n".join(lines)
        + "\n",
        encoding="utf-8",
    )
    print("\n".join(lines))


if __name__ == "__main__":
    main()
