import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dechrome.artefact import FORMAT_VERSION, read_model, write_model
from dechrome.batch import Batch
from dechrome.errors import ModelFormatError

TEXTS = [
    "City council votes on tram",
    "The council voted on Monday to extend the line.",
    "Accept all cookies",
    "",
]


@pytest.fixture
def folder(toy_model, tmp_path):
    write_model(toy_model, tmp_path / "model", "card")
    return tmp_path / "model"


def test_a_model_read_back_predicts_the_same_bits(toy_model, folder):
    for expected, found in zip(
        toy_model.score(Batch(TEXTS)), read_model(folder).score(Batch(TEXTS)), strict=True
    ):
        assert np.array_equal(expected, found)
    assert read_model(folder).calibration == toy_model.calibration
    assert read_model(folder).thresholds == toy_model.thresholds


def test_the_same_model_gives_the_same_bytes(toy_model, folder, tmp_path):
    write_model(toy_model, tmp_path / "again", "card")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_weights_of_nets_take_two_bytes_each(folder):
    with np.load(folder / "weights.npz") as stored:
        types = {name: stored[name].dtype for name in stored.files}
    of_nets = [name for name in types if "pass" in name and "weights" in name]
    assert len(of_nets) > 3
    assert {types[name] for name in [*of_nets, "encoder_weights_0"]} == {np.dtype(np.float16)}


def edit_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "weights.npz").unlink(), "weights.npz missing"),
        (lambda f: (f / "config.json").unlink(), "config.json missing"),
        (lambda f: (f / "config.json").write_text("{"), "damaged"),
        (lambda f: (f / "config.json").write_text("[]"), "damaged"),
        (lambda f: (f / "config.json").write_bytes(b"\xff\xfe\x00"), "damaged"),
        (lambda f: edit_config(f, format_version=FORMAT_VERSION + 1), "model format"),
        (lambda f: edit_config(f, columns={}), "differ from this version"),
        (lambda f: edit_config(f, columns=None), "damaged"),
        (lambda f: edit_config(f, lexicon={"name": "fasttext", "file_sha256": ""}), "lexicon.ftz"),
        (lambda f: edit_config(f, dilations=[[1, 2, 4, 8]]), "damaged"),
        (lambda f: edit_config(f, thresholds={"balanced": "half"}), "damaged"),
        (lambda f: edit_config(f, calibration={"lifted_best": 0.2}), "damaged"),
        (lambda f: edit_config(f, calibration={"lifted_best": {"balanced": 0.2}}), "damaged"),
        (lambda f: (f / "weights.npz").write_bytes(b"PK\x03\x04"), "its hash differs"),
        (
            lambda f: (f / "weights.npz").write_bytes((f / "weights.npz").read_bytes()[:-500]),
            "its hash differs",
        ),
    ],
)
def test_a_damaged_folder_is_refused_with_its_name(folder, damage, message):
    damage(folder)
    with pytest.raises(ModelFormatError, match=message) as caught:
        read_model(folder)
    assert str(folder) in str(caught.value)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_model(tmp_path / "nowhere")


def test_a_folder_that_is_no_model_is_not_replaced(toy_model, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"meow")
    with pytest.raises(FileExistsError, match="no model folder"):
        write_model(toy_model, tmp_path / "photos")
    assert (tmp_path / "photos" / "cat.png").read_bytes() == b"meow"
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_failed_write_leaves_the_old_model(toy_model, folder, monkeypatch):
    before = (folder / "weights.npz").read_bytes()
    monkeypatch.setattr(
        "dechrome.artefact._write_npz", lambda *_: (_ for _ in ()).throw(OSError("disk full"))
    )
    with pytest.raises(OSError, match="disk full"):
        write_model(toy_model, folder)
    assert (folder / "weights.npz").read_bytes() == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("moved", ["model", "new"])
def test_a_failed_move_leaves_the_old_model(toy_model, folder, monkeypatch, moved):
    before = (folder / "weights.npz").read_bytes()
    replace = Path.replace

    def fail_once(self, target):
        if self.name == moved:
            raise OSError("busy")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail_once)
    with pytest.raises(OSError, match="busy"):
        write_model(toy_model, folder, "another card")
    assert (folder / "weights.npz").read_bytes() == before
    assert (folder / "README.md").read_text() == "card"
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_folder_with_only_the_settings_of_something_else_is_not_replaced(toy_model, tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "config.json").write_text("{}")
    with pytest.raises(FileExistsError, match="no model folder"):
        write_model(toy_model, tmp_path / "app")
    assert (tmp_path / "app" / "config.json").read_text() == "{}"


def test_a_linked_folder_is_replaced_where_it_lies(toy_model, folder, tmp_path):
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    write_model(toy_model, tmp_path / "link", "another card")
    assert (tmp_path / "link").is_symlink()
    assert (folder / "README.md").read_text() == "another card"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "model"]


def test_loading_runs_nothing_from_the_folder(folder, tmp_path):
    arrays = dict(np.load(folder / "weights.npz"))
    arrays["first_pass_bias_0"] = np.array([{"__reduce__": "evil"}], dtype=object)
    shutil.copytree(folder, tmp_path / "evil")
    np.savez(tmp_path / "evil" / "weights.npz", **arrays)
    from hashlib import sha256

    edit_config(
        tmp_path / "evil", weights_sha256=sha256((tmp_path / "evil" / "weights.npz").read_bytes()).hexdigest()
    )
    with pytest.raises(ModelFormatError, match="damaged"):
        read_model(tmp_path / "evil")
