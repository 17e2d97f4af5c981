import inspect
import re
import subprocess
from pathlib import Path

import pytest

import dechrome
from dechrome.labels import KIND_MEANINGS, KINDS

ROOT = Path(__file__).parents[1]


def test_public_names():
    assert sorted(dechrome.__all__) == sorted(dechrome._MODULE_OF)
    assert set(dechrome.__all__) <= set(dir(dechrome))


@pytest.mark.parametrize(
    "name", [n for n in dechrome.__all__ if n not in ("KINDS", "LABELS", "Kind", "Label")]
)
def test_public_objects_are_documented(name):
    value = getattr(dechrome, name)
    assert inspect.getdoc(value)
    if inspect.isfunction(value):
        documented = set(
            re.findall(r"^(\w+(?:, \w+)*) : |^(\w+(?:, \w+)*)$", inspect.getdoc(value), re.MULTILINE)
        )
        names = {n for pair in documented for group in pair for n in group.split(", ") if n}
        assert set(inspect.signature(value).parameters) <= names


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        dechrome.nonsense  # noqa: B018


def readme_kinds(text):
    return re.findall(r"^\| `(\w+)` \| (content|chrome) \| (.+?) \|$", text, re.MULTILINE)


def test_the_readme_lists_the_kinds():
    rows = readme_kinds((ROOT / "README.md").read_text(encoding="utf-8"))
    assert [(kind, meaning) for kind, _, meaning in rows] == list(KIND_MEANINGS.items())


def test_the_seeds_readme_lists_the_kinds():
    rows = readme_kinds((ROOT / "seeds" / "README.md").read_text(encoding="utf-8"))
    assert [kind for kind, _, _ in rows] == list(KINDS)


def readme_blocks():
    return re.findall(
        r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def test_the_readmes_first_two_blocks_run_the_model_and_the_tests():
    first, second = readme_blocks()[:2]
    (seed,) = re.findall(r"seeds/\S+\.txt", first)
    assert (ROOT / seed).is_file()
    assert "dechrome predict" in first
    assert "python -m pytest" in second


def test_ci_runs_the_readmes_second_block():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (cut,) = re.findall("^block=.*", script, re.MULTILINE)
    found = subprocess.run(
        ["bash", "-c", f'{cut}; echo "$block"'], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout == readme_blocks()[1]
    assert "\nbash -euo pipefail .ci/.block\n" in script


def test_the_readmes_figures_are_those_that_evaluate_wrote():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## How good it is")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and re.search(r"\d\.\d{3}", line)]
    results = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "data" / "results").glob("*.md"))
    assert len(rows) >= 8
    assert not [row for row in rows if row not in results]


def test_figures_in_the_readme_stand_in_the_tables_it_links():
    prose = re.sub(r"^\|.*\n", "", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    n_checked = 0
    for paragraph in prose.split("\n\n"):
        tables = [
            (ROOT / path).read_text(encoding="utf-8") for path in re.findall(r"\((data/.*?\.md)\)", paragraph)
        ]
        for figure in re.findall(r"(?<![\w.])\.\d{3}\b", paragraph):
            assert any(f"0{figure}" in table for table in tables), figure
            n_checked += 1
    assert n_checked >= 5
