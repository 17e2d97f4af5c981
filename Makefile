.PHONY: check test lint sample

check: lint test

lint:
	ruff check .
	ruff format --check .
	mypy

test:
	python -m pytest

# The small corpus in data/: every eighth seed, so that all scripts and both splits are in it.
sample:
	python -c "from pathlib import Path; \
	from dechrome.training.building import document_from_seed; \
	from dechrome.training.corpus import write_corpus; \
	from dechrome.training.seeds import read_seeds; \
	write_corpus([document_from_seed(s) for s in read_seeds(Path('seeds'))[::8]], Path('data/sample.jsonl'))"
