"""Model <-> folder: arrays, JSON, a card, and fastText's own file where the lexicon is fastText's.

Loading executes nothing from the folder: arrays are read with ``allow_pickle=False``, and
fastText's file, which can crash the interpreter when damaged, only after its hash is checked.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np

from dechrome.batch import GRAM_BITS, MOST_LETTERS, WORD_BITS
from dechrome.encoder import MEANINGS, MOST_WORDS, Encoder
from dechrome.errors import ModelFormatError
from dechrome.gramtable import LinearScores
from dechrome.labels import FAVORS, KINDS, LEXICAL_SCORES, SCORES
from dechrome.language import LANGUAGE_BITS, LanguageModel
from dechrome.lexicon import VOCABULARY_BITS, HashedLexicon, Lexicon
from dechrome.model import CONTEXT_PASS_INPUTS, FIRST_PASS_INPUTS, Calibration, Model
from dechrome.patterns import PATTERN_BITS, PatternModel
from dechrome.scoring import Net

__all__ = ["FORMAT_VERSION", "SHIPPED_MODEL", "read_encoder", "read_model", "write_encoder", "write_model"]

#: Folder of the model that comes with the package.
SHIPPED_MODEL = Path(__file__).with_name("models") / "small"

#: Bump when a folder written by this version could not be read, or would predict otherwise, by the
#: version before: new arrays, another meaning of a column, another hash. Not for a retrained model.
FORMAT_VERSION = 13
#: Bump when words are cut, hashed, counted or read by their pieces otherwise, or layers change, so that
#: encoders made before no longer fit.
_ENCODER_FORMAT = 3
_CONFIG, _WEIGHTS, _FASTTEXT, _CARD = "config.json", "weights.npz", "lexicon.ftz", "README.md"


#: What reading arrays raises where the file is damaged or of another make.
_DAMAGE = (
    LookupError, TypeError, ValueError, AttributeError, EOFError, RuntimeError, OverflowError,
    zipfile.BadZipFile, zlib.error, tokenize.TokenError,
)  # fmt: skip


def _columns() -> dict[str, Any]:
    """What the arrays' axes mean in this version."""
    return {
        "kinds": list(KINDS),
        "lexical_scores": list(LEXICAL_SCORES),
        "pattern_scores": list(SCORES),
        "first_pass_inputs": list(FIRST_PASS_INPUTS),
        "context_pass_inputs": [list(names) for names in CONTEXT_PASS_INPUTS],
        "gram_bits": GRAM_BITS,
        "word_bits": WORD_BITS,
        "vocabulary_bits": VOCABULARY_BITS,
        "encoded_words": MOST_WORDS,
        "encoded_letters": MOST_LETTERS,
        "pattern_bits": PATTERN_BITS,
        "language_bits": LANGUAGE_BITS,
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_model(model: Model, folder: Path, card: str = "") -> None:
    """Write a model folder, whole or not at all; an older model there is replaced.

    Parameters
    ----------
    model : Model
    folder : Path
    card : str
        Text of the model card, README.md.

    Raises
    ------
    FileExistsError
        If the folder holds something else than a model.
    """
    is_model = all((folder / name).is_file() for name in (_CONFIG, _WEIGHTS))
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not is_model)):
        raise FileExistsError(f"{folder}: exists and is no model folder; choose another name.")
    folder = folder.resolve()  # a link stays, and the folder that it names is replaced
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    new, old = temporary / "new", temporary / "old"
    try:
        new.mkdir()
        _write_files(model, new, card)
        if folder.exists():
            folder.replace(old)
        new.replace(folder)
    finally:
        if old.exists() and not folder.exists():
            old.replace(folder)
        shutil.rmtree(temporary, ignore_errors=True)


def _write_files(model: Model, folder: Path, card: str) -> None:
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "language_weights": model.language.weights,
        **_name_scores("pattern", model.patterns.scores),
        **_name_encoder(model.encoder),
    }
    arrays |= _name_layers("first_pass", model.first_pass)
    for number, nets in enumerate(model.context_passes):
        for n, net in enumerate(nets):
            arrays |= _name_layers(f"context_pass_{number}_net_{n}", net)
    lexicon: dict[str, Any] = {"name": model.lexicon.name}
    if isinstance(model.lexicon, HashedLexicon):
        arrays |= _name_scores("lexicon", model.lexicon.characters)
        arrays |= _name_scores("word", model.lexicon.words) | {"word_checks": model.lexicon.checks}
    else:
        from dechrome.fasttext_lexicon import FastTextLexicon

        if not isinstance(model.lexicon, FastTextLexicon):
            raise TypeError(f"no way to store a lexicon of type {type(model.lexicon).__name__}")
        (folder / _FASTTEXT).write_bytes(model.lexicon.data)
        lexicon["file_sha256"] = _sha256(folder / _FASTTEXT)
    _write_npz(arrays, folder / _WEIGHTS)
    config = {
        "format_version": FORMAT_VERSION,
        "columns": _columns(),
        "languages": list(model.language.languages),
        "dilations": [[list(net.dilations) for net in nets] for nets in model.context_passes],
        "lexicon": lexicon,
        "calibration": asdict(model.calibration),
        "thresholds": model.thresholds,
        "weights_sha256": _sha256(folder / _WEIGHTS),
        "metadata": model.metadata,
    }
    text = json.dumps(config, indent=1, ensure_ascii=False) + "\n"
    (folder / _CONFIG).write_text(text, encoding="utf-8", newline="\n")
    if card:
        (folder / _CARD).write_text(card, encoding="utf-8", newline="\n")


def _name_scores(name: str, scores: LinearScores) -> dict[str, np.ndarray[Any, Any]]:
    return {
        f"{name}_weights": scores.weights,
        f"{name}_scale": scores.scale,
        f"{name}_intercept": scores.intercept,
    }


def _read_scores(name: str, arrays: dict[str, Any]) -> LinearScores:
    return LinearScores(arrays[f"{name}_weights"], arrays[f"{name}_scale"], arrays[f"{name}_intercept"])


def _name_encoder(encoder: Encoder) -> dict[str, np.ndarray[Any, Any]]:
    layers = zip(encoder.weights, encoder.biases, strict=True)
    named: dict[str, np.ndarray[Any, Any]] = {
        "encoder_checks": encoder.checks,
        "encoder_table": encoder.table,
        "encoder_format": np.array(_ENCODER_FORMAT),
    }
    for i, (weights, bias) in enumerate(layers):
        named |= {f"encoder_weights_{i}": weights.astype(np.float16), f"encoder_bias_{i}": bias}
    return named


def _read_encoder(arrays: dict[str, Any]) -> Encoder:
    if arrays["encoder_format"] != _ENCODER_FORMAT:
        raise ValueError("the encoder is of another format")
    weights, biases = (
        (arrays[f"encoder_{name}_0"], arrays[f"encoder_{name}_1"], arrays[f"encoder_{name}_2"])
        for name in ("weights", "bias")
    )
    checks, table = arrays["encoder_checks"], arrays["encoder_table"]
    n_places, n_meanings = 1 << VOCABULARY_BITS, len(MEANINGS)
    width, n_hidden = len(biases[0]), len(biases[1])
    found = [array.shape for array in (checks, table, *weights, *biases)]
    n_columns = table.shape[-1]
    fitting = [
        (n_places,), (n_places, n_columns), (3 * n_columns, width), (2 * width, n_hidden),
        (n_hidden, n_meanings), (width,), (n_hidden,), (n_meanings,),
    ]  # fmt: skip
    if found != fitting:
        raise ValueError(f"the encoder's arrays have shapes {found}, not {fitting}")
    types = [array.dtype for array in (checks, table, *weights, *biases)]
    if types != [np.uint8, np.int8, *[np.float16] * 3, *[np.float32] * 3]:
        raise ValueError(f"the encoder's arrays have types {types}")
    return Encoder(checks, table, weights, biases)


def write_encoder(encoder: Encoder, file: IO[bytes]) -> None:
    """Write an encoder by itself (.npz), for ``dechrome train --encoder``."""
    _write_npz(_name_encoder(encoder), file)


def read_encoder(path: Path) -> Encoder:
    """Read what :func:`write_encoder` wrote, or the encoder of a model folder.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModelFormatError
        If it is something else or damaged.
    """
    try:
        with np.load(path / _WEIGHTS if path.is_dir() else path, allow_pickle=False) as stored:
            return _read_encoder({name: stored[name] for name in stored.files if name.startswith("encoder_")})
    except (OSError, MemoryError, *_DAMAGE) as error:  # a damaged array may claim any size
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise ModelFormatError(
            f"{path}: no encoder ({error!r}); make it with dechrome distil, or install it again."
        ) from error


def _name_layers(name: str, net: Net) -> dict[str, np.ndarray[Any, Any]]:
    weights = {f"{name}_weights_{i}": values.astype(np.float16) for i, values in enumerate(net.weights)}
    return weights | {f"{name}_bias_{i}": values for i, values in enumerate(net.biases)}


def _read_net(name: str, arrays: dict[str, Any], dilations: Sequence[int]) -> Net:
    layers = range(len(dilations) + 2)
    return Net(
        [arrays[f"{name}_weights_{i}"] for i in layers], [arrays[f"{name}_bias_{i}"] for i in layers],
        dilations,
    )  # fmt: skip


def _write_npz(arrays: dict[str, np.ndarray[Any, Any]], file: Path | IO[bytes]) -> None:
    """Like numpy.savez_compressed, but the same arrays and zlib give the same bytes (no time stamps).

    Compressed, as the encoder's table holds few values; loading takes some hundredths of a second longer.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


def read_model(folder: Path) -> Model:
    """Read a model folder.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ModelFormatError
        Saying what is missing, damaged or unknown.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such model folder.")
    missing = [name for name in (_CONFIG, _WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise ModelFormatError(f"{folder}: not a model folder, {' and '.join(missing)} missing.")
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        version = config["format_version"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ModelFormatError(
            f"{folder / _CONFIG}: damaged ({error!r}); train or install it again."
        ) from error
    if version != FORMAT_VERSION:
        raise ModelFormatError(
            f"{folder}: model format {version!r}, but this version reads {FORMAT_VERSION}; train it again "
            "or install the version of dechrome that wrote it."
        )
    try:
        differing = [name for name, value in _columns().items() if config["columns"].get(name) != value]
        if differing:
            raise ModelFormatError(
                f"{folder}: {', '.join(differing)} differ from this version; train it again."
            )
        if config["weights_sha256"] != _sha256(folder / _WEIGHTS):
            raise ModelFormatError(f"{folder / _WEIGHTS}: damaged, its hash differs; install it again.")
        return _assemble(folder, config)
    except _DAMAGE as error:
        if isinstance(error, ModelFormatError):
            raise
        raise ModelFormatError(f"{folder}: damaged ({error!r}); train or install it again.") from error


def _assemble(folder: Path, config: dict[str, Any]) -> Model:
    with np.load(folder / _WEIGHTS, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    context_passes = [
        tuple(
            _read_net(f"context_pass_{number}_net_{n}", arrays, dilations) for n, dilations in enumerate(nets)
        )
        for number, nets in enumerate(config["dilations"])
    ]
    told = config["calibration"]
    lifted_best = {favor: float(told["lifted_best"][favor]) for favor in FAVORS}
    calibration = Calibration(**told | {"lifted_best": lifted_best})
    return Model(
        patterns=PatternModel(_read_scores("pattern", arrays)),
        lexicon=_read_lexicon(folder, config["lexicon"], arrays),
        encoder=_read_encoder(arrays),
        language=LanguageModel(arrays["language_weights"], config["languages"]),
        first_pass=_read_net("first_pass", arrays, ()),
        context_passes=tuple(context_passes),
        calibration=calibration,
        thresholds={favor: float(config["thresholds"][favor]) for favor in FAVORS},
        metadata=config["metadata"],
    )


def _read_lexicon(folder: Path, entry: dict[str, Any], arrays: dict[str, Any]) -> Lexicon:
    if entry["name"] == HashedLexicon.name:
        return HashedLexicon(
            _read_scores("lexicon", arrays), _read_scores("word", arrays), arrays["word_checks"]
        )
    path = folder / _FASTTEXT
    if not path.is_file() or _sha256(path) != entry["file_sha256"]:
        raise ModelFormatError(f"{path}: missing or damaged, its hash differs; train or install it again.")
    from dechrome.fasttext_lexicon import FastTextLexicon

    return FastTextLexicon(path.read_bytes())
