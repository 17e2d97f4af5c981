"""The notebooks run from top to bottom on what the project ships, define nothing, and show what they give.

``make notebooks`` runs them again and keeps the outputs.
"""

import ast
import copy
import functools
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("matplotlib")

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

#: Fractions differ in their last digits between machines, and after training by more; counts do not.
TOLERANCE, TRAINED_TOLERANCE = 0.006, 0.06
_ADDRESS = re.compile(r"0x[0-9a-f]+")
_TIME = re.compile(r"\b\d+(\.\d+)?\s?(ns|µs|us|ms|s|seconds|minutes)\b")
_FRACTION = re.compile(r"(?<![\w.])[+-]?\d+\.\d+(?:e[+-]?\d+)?(?![\w.]*\w)")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@functools.cache
def committed(path):
    return nbformat.read(path, as_version=4)


@functools.cache
def run(path):
    """The notebook as it comes out of a run; the outputs that it had are not looked at."""
    notebook = copy.deepcopy(committed(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DECHROME_CORPUS", raising=False)
        return nbclient.NotebookClient(
            notebook, kernel_name="python3", timeout=120, resources={"metadata": {"path": str(path.parent)}}
        ).execute()


def shown(cell):
    """What a cell shows: the text of each output with its type, streams joined as they may be cut anywhere."""
    texts = []
    for output in cell.outputs:
        kind = output.output_type
        if kind == "stream":
            if texts and texts[-1][0] == output.name:
                texts[-1] = (output.name, texts[-1][1] + output.text)
            else:
                texts.append((output.name, output.text))
        else:
            texts.append((f"{kind} {sorted(output.data)}", output.data.get("text/plain", "")))
    return texts


def parts(text):
    """The words and counts of a text, tables laid out as they may be, and its fractions."""
    text = _TIME.sub("TIME", _ADDRESS.sub("ADDRESS", text))
    numbers = [float(number) for number in _FRACTION.findall(text)]
    return re.sub(r"[\s\\]+", " ", _FRACTION.sub(" # ", text)).strip(), numbers


def test_there_are_four():
    assert [path.stem for path in NOTEBOOKS] == [
        "01_quickstart", "02_evaluation", "03_train_your_own", "04_corpus",
    ]  # fmt: skip


@every_notebook
def test_a_notebook_calls_and_never_defines(path):
    code = "\n".join(cell.source for cell in code_cells(committed(path)))
    assert not [node for node in ast.walk(ast.parse(code)) if isinstance(node, _DEFINITIONS)]


@every_notebook
def test_a_notebook_holds_nothing_of_the_machine_it_ran_on(path):
    notebook = committed(path)
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(work|tmp|home|root|Users|usr)/|site-packages|[A-Z]:\\\\", text)
    assert notebook.metadata.kernelspec.name == "python3"
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "not run from top to bottom: make notebooks"
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


@every_notebook
def test_a_notebook_runs_and_its_outputs_are_fresh(path):
    for old, new in zip(code_cells(committed(path)), code_cells(run(path)), strict=True):
        place = f"{path.name}, cell {new.execution_count}: make notebooks"
        before, after = shown(old), shown(new)
        assert [name for name, _ in before] == [name for name, _ in after], place
        tolerance = TRAINED_TOLERANCE if "trained" in new.metadata.get("tags", []) else TOLERANCE
        for (_, one), (_, other) in zip(before, after, strict=True):
            (words, numbers), (new_words, new_numbers) = parts(one), parts(other)
            assert new_words == words, place
            assert new_numbers == pytest.approx(numbers, abs=tolerance, rel=tolerance, nan_ok=True), place


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("f1  0.912\nn   12", "f1 0.9121 \\\n n 12", True),
        ("f1 0.912", "f1 0.92", False),
        ("<A at 0x7f3a>, took 1.5 s", "<A at 0x11>, took 12 s", True),
        ("12 kept", "13 kept", False),
        ("recall of x1", "recall of x2", False),
        ("1.00  body  'Rain'", "1.00  other  'Rain'", False),
    ],
)
def test_outputs_are_compared_as_texts_and_numbers(one, other, is_same):
    (words, numbers), (new_words, new_numbers) = parts(one), parts(other)
    same = words == new_words and new_numbers == pytest.approx(numbers, abs=TOLERANCE, rel=TOLERANCE)
    assert same is is_same
