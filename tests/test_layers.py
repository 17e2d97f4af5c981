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
    3: {"context", "encoder"},
    4: {"model"},
    5: {"artefact"},
    6: {"prediction"},
    7: {"annotation"},
    8: {
        "files.formats",
        "files.archives",
        "files.lines",
        "files.records",
        "files.tally",
        "integrations.arrow",
        "integrations.datatrove",
    },
    9: {"files.reading"},
    10: {"files.writing"},
    11: {"files.run_log"},
    12: {"files.shards"},
    13: {"files.runs"},
}
LEVEL = {name: level for level, names in LAYERS.items() for name in names}
#: From a labelled corpus to a model, then from a model to a report; a stage imports only stages before it.
STAGES = {
    "training": [
        "seeds", "languages", "blocks", "pages", "labelling", "corpus", "building", "shapes", "augmentation",
        "table", "kinds", "config", "fasttext_training", "text_models", "calibration", "restyling",
        "net_training", "teacher", "vocabulary", "distilling", "context_training", "fitting", "estimator",
        "corrections", "adapting",
    ],
    "evaluation": ["measures", "tables", "comparison", "displays", "drawing", "excerpts", "html_report"],
}  # fmt: skip
IN_ORDER = [f"{folder}.{name}" for folder, names in STAGES.items() for name in names]


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


@pytest.mark.parametrize("name", IN_ORDER)
def test_stages_of_training_and_evaluation_import_only_earlier_ones(name):
    for other in imports_of(SOURCE / f"{name.replace('.', '/')}.py"):
        if other in IN_ORDER:
            assert IN_ORDER.index(other) < IN_ORDER.index(name), other
        else:
            assert other in LEVEL, other


def test_an_evaluation_needs_no_more_of_training_than_its_documents_and_their_settings():
    used = {other for name in STAGES["evaluation"] for other in imports_of(SOURCE / f"evaluation/{name}.py")}
    assert {other for other in used if other.startswith("training.")} == {
        "training.corpus",
        "training.restyling",
    }


def test_every_module_has_its_place():
    modules = {path.stem for path in SOURCE.glob("*.py")} - {"__init__"}
    for folder in ("files", "integrations"):
        modules |= {f"{folder}.{path.stem}" for path in (SOURCE / folder).glob("*.py")} - {
            f"{folder}.__init__"
        }
    assert modules == set(LEVEL)
    for folder, names in STAGES.items():
        assert {path.stem for path in (SOURCE / folder).glob("*.py")} - {"__init__"} == set(names)


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
