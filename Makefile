.PHONY: check test lint notebooks sample

check: lint test

lint:
	ruff check .
	ruff format --check .
	mypy

test:
	python -m pytest

# Runs the notebooks again, on what the project ships, and keeps their outputs.
notebooks:
	env -u DECHROME_CORPUS python -c "from pathlib import Path; \
	import nbformat; \
	from nbclient import NotebookClient; \
	[nbformat.write(NotebookClient(nbformat.read(path, as_version=4), kernel_name='python3', timeout=600, \
	record_timing=False, resources={'metadata': {'path': 'notebooks'}}).execute(), path) \
	for path in sorted(Path('notebooks').glob('*.ipynb'))]"

# The small corpus in data/: every eighth seed, so that all scripts and both splits are in it.
sample:
	python -c "from pathlib import Path; \
	from dechrome.training.building import document_from_seed; \
	from dechrome.training.corpus import write_corpus; \
	from dechrome.training.seeds import read_seeds; \
	write_corpus([document_from_seed(s) for s in read_seeds(Path('seeds'))[::8]], Path('data/sample.jsonl'))"
