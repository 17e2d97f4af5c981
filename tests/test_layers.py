"""The import layers: nothing reaches upward, and prediction stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "dechrome"
LAYERS = {
    0: {"labels", "errors", "characters", "gramtable"},
    1: {"segmentation", "html", "batch", "scoring", "results"},
    2: {"features", "patterns", "lexicon", "language", "fasttext_lexicon"},
    3: {"context"},
    4: {"model"},
    5: {"artefact"},
    6: {"prediction"},
    7: {"annotation"},
    8: {"files.formats", "files.archives", "files.tally", "integrations.arrow", "integrations.datatrove"},
    9: {"files.reading"},
    10: {"files.writing"},
    11: {"files.shards"},
    12: {"files.runs"},
}
LEVEL = {name: level for level, names in LAYERS.items() for name in names}
#: In the order of the work: a stage imports only stages before it.
TRAINING = [
    "seeds", "languages", "blocks", "pages", "labelling", "corpus", "building", "augmentation", "table",
    "kinds", "config", "fasttext_training", "text_models", "calibration", "restyling", "fitting", "estimator",
    "corrections", "adapting", "evaluation", "report", "comparison", "displays", "drawing", "excerpts",
    "html_report",
]  # fmt: skip


def imports_of(path):
    """Names of our modules that a file imports, at any depth."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dechrome"):
            found.add(node.module.removeprefix("dechrome").removeprefix("."))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("dechrome")}
    return found


@pytest.mark.parametrize("name", sorted(LEVEL))
def test_inference_modules_import_only_lower_layers(name):
    for other in imports_of(SOURCE / f"{name.replace('.', '/')}.py"):
        same_allowed = (name, other) == ("fasttext_lexicon", "lexicon")
        assert LEVEL[other] < LEVEL[name] or same_allowed, f"{name} imports {other}"


@pytest.mark.parametrize("name", TRAINING)
def test_training_stages_import_only_earlier_ones(name):
    for other in imports_of(SOURCE / "training" / f"{name}.py"):
        if other.startswith("training."):
            assert TRAINING.index(other.removeprefix("training.")) < TRAINING.index(name), other
        else:
            assert other in LEVEL, other


def test_every_module_has_its_place():
    modules = {path.stem for path in SOURCE.glob("*.py")} - {"__init__"}
    for folder in ("files", "integrations"):
        modules |= {f"{folder}.{path.stem}" for path in (SOURCE / folder).glob("*.py")} - {
            f"{folder}.__init__"
        }
    assert modules == set(LEVEL)
    assert {path.stem for path in (SOURCE / "training").glob("*.py")} - {"__init__"} == set(TRAINING)


def loaded_after(code):
    script = f"{code}\nimport sys; print(' '.join(sys.modules))"
    return set(
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout.split()
    )


@pytest.mark.parametrize(
    "code",
    ["import dechrome", "import dechrome; dechrome.predict_paragraphs('Accept all cookies\\n\\nA story.')"],
)
def test_prediction_leaves_heavy_libraries_alone(code):
    heavy = {"pandas", "sklearn", "joblib", "scipy", "fasttext", "pyarrow", "resiliparse", "click"}
    assert not heavy & loaded_after(code)


def test_help_imports_no_numpy():
    assert "numpy" not in loaded_after("import dechrome.cli")
