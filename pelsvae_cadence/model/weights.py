"""Weights on disk: a safetensors file and a JSON card that says what they are.

Nothing here unpickles. The card holds the SHA-256 of the tensors, so a card never describes
other weights than those beside it, and a schema version, so an old package says that it is old.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import replacing

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "CARD_FIELDS",
    "DEFAULT_WEIGHTS",
    "SCHEMA_VERSION",
    "Weights",
    "config_fields",
    "fill_module",
    "list_weights",
    "load_weights",
    "module_tensors",
    "save_weights",
    "tensor",
]

#: Version of the card and of the tensor names; raised when an older package could misread them.
SCHEMA_VERSION: Final = 1
DEFAULT_WEIGHTS: Final = "harmonic"

#: What every card must say.
CARD_FIELDS: Final = (
    "schema_version",
    "name",
    "architecture",
    "hyperparameters",
    "classes",
    "n_harmonics",
    "n_latent",
    "training_data",
    "command",
    "seed",
    "created",
    "scores",
    "ranges",
    "licence",
    "citation",
    "sha256",
)

_SHIPPED_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Tensors and their card.

    Parameters
    ----------
    name : str
        Name of the model.
    tensors : dict of str to ndarray
        The tensors by name.
    card : dict
        What the weights are: see `CARD_FIELDS`.
    hash : str
        SHA-256 of the tensors file, hexadecimal.
    """

    name: str
    tensors: dict[str, npt.NDArray[Any]]
    card: dict[str, Any]
    hash: str


def list_weights() -> tuple[str, ...]:
    """List the weights that come with the package.

    Returns
    -------
    tuple of str
        Names that `load_weights` accepts.
    """
    folder = resources.files("pelsvae_cadence.model").joinpath("shipped")
    names = [item.name for item in folder.iterdir()] if folder.is_dir() else []
    stems = {Path(name).stem for name in names if name.endswith(".safetensors")}
    return tuple(sorted(stems))


def save_weights(path: str | Path, tensors: Mapping[str, npt.NDArray[Any]], card: Mapping[str, Any]) -> str:
    """Write tensors and card side by side, each in one atomic step.

    Parameters
    ----------
    path : str or Path
        File name; the suffixes ``.safetensors`` and ``.json`` are put in place of its own.
    tensors : mapping of str to ndarray
        The tensors.
    card : mapping
        JSON-able fields of `CARD_FIELDS`; ``schema_version``, ``sha256`` (of the tensors) and
        ``card_sha256`` (of the card itself) are filled in here.

    Returns
    -------
    str
        SHA-256 of the tensors file.

    Raises
    ------
    InputError
        If the card lacks a field.
    """
    target = Path(path)
    data = write_tensors({name: np.ascontiguousarray(value) for name, value in tensors.items()})
    digest = hashlib.sha256(data).hexdigest()
    full = {**card, "schema_version": SCHEMA_VERSION, "sha256": digest}
    _check_card(full, str(target))
    full["card_sha256"] = _card_digest(full)
    text = json.dumps(full, indent=1, sort_keys=True, allow_nan=False) + "\n"
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix, content in ((".safetensors", data), (".json", text.encode())):
        with replacing(target.with_suffix(suffix)) as partial:
            partial.write_bytes(content)
    return digest


def load_weights(name_or_path: str | Path = "default") -> Weights:
    """Read weights that come with the package, or a file of one's own.

    Parameters
    ----------
    name_or_path : str or Path
        A name out of `list_weights`, ``"default"``, or the path of a ``.safetensors`` file or
        of its card.

    Returns
    -------
    Weights
        Tensors and card.

    Raises
    ------
    InputError
        If the name is unknown, a file is missing, damaged or does not match its card, or the
        card was written by a newer version of this package.
    """
    label = str(name_or_path)
    name = DEFAULT_WEIGHTS if label == "default" else label
    if isinstance(name_or_path, str) and _SHIPPED_NAME.fullmatch(name):
        if name not in list_weights():
            raise InputError(
                f"unknown weights {label!r}",
                allowed=", ".join(list_weights()) or "none are installed",
                remedy="Give a name of this list, or the path of a .safetensors file.",
            )
        folder = resources.files("pelsvae_cadence.model").joinpath("shipped")
        data = folder.joinpath(f"{name}.safetensors").read_bytes()
        text = folder.joinpath(f"{name}.json").read_bytes()
    else:
        path = Path(name_or_path)
        files = path.with_suffix(".safetensors"), path.with_suffix(".json")
        for file in files:
            if not file.is_file():
                raise InputError(
                    f"weights file {str(file)!r} does not exist",
                    remedy="A model is a .safetensors file with its .json card beside it.",
                )
        data, text = files[0].read_bytes(), files[1].read_bytes()
    return _decode(label, data, text)


def config_fields(config: Any) -> dict[str, Any]:
    """Give the fields of a configuration as a card holds them.

    Parameters
    ----------
    config : dataclass
        Sizes or architecture of a network or map.

    Returns
    -------
    dict
        JSON-able fields.
    """
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(config).items()}


def module_tensors(module: nn.Module, prefix: str = "") -> dict[str, npt.NDArray[Any]]:
    """Take a module's tensors; what two of its parts share is written once.

    Parameters
    ----------
    module : torch.nn.Module
        The module.
    prefix : str
        What the names shall begin with.

    Returns
    -------
    dict of str to ndarray
        The tensors by name.
    """
    return {
        prefix + key: value.detach().cpu().numpy()
        for key, value in module.state_dict().items()
        if key == _stored_name(key)
    }


def tensor(weights: Weights, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Take a tensor for calculations in NumPy.

    Parameters
    ----------
    weights : Weights
        The tensors.
    name : str
        Name of the tensor.
    shape : tuple of int
        The shape that it must have.

    Returns
    -------
    ndarray of float64
        A copy.

    Raises
    ------
    InputError
        If the tensor is missing or has another shape.
    """
    found = weights.tensors.get(name)
    if found is None or found.shape != shape:
        raise InputError(f"weights {weights.name!r} lack a usable {name}")
    return np.array(found, dtype=np.float64)


def fill_module(module: nn.Module, weights: Weights, prefix: str = "") -> None:
    """Copy tensors into a module: undo `module_tensors`.

    Parameters
    ----------
    module : torch.nn.Module
        The module, changed in place.
    weights : Weights
        The tensors.
    prefix : str
        What their names begin with.

    Raises
    ------
    InputError
        If a tensor is missing or has another shape.
    """
    import torch

    for key, tensor in module.state_dict().items():
        found = weights.tensors.get(prefix + _stored_name(key))
        if found is None or found.shape != tuple(tensor.shape):
            raise InputError(f"weights {weights.name!r} lack a usable {prefix}{key}")
        tensor.copy_(torch.from_numpy(np.array(found)))


def _stored_name(key: str) -> str:
    for shared in ("basis.", "physics."):
        key = key.replace(f"decoder.{shared}", f"encoder.{shared}")
    return key.replace("full_context.", "context.")


def _decode(label: str, data: bytes, text: bytes) -> Weights:
    try:
        card = json.loads(text)
    except ValueError as error:
        raise InputError(f"the card of weights {label!r} is not JSON: {error}") from error
    if not isinstance(card, dict):
        raise InputError(f"the card of weights {label!r} is not a JSON object")
    _check_card(card, label)
    digest = hashlib.sha256(data).hexdigest()
    if digest != card["sha256"]:
        raise InputError(
            f"the tensors of weights {label!r} do not match their card "
            f"(SHA-256 {digest[:12]}, card says {str(card['sha256'])[:12]})",
            remedy="The file is damaged or the card belongs to another one: fetch both again.",
        )
    try:
        tensors = read_tensors(data)
    except SafetensorError as error:
        raise InputError(
            f"weights {label!r} cannot be read: {error}", remedy="Fetch the file again."
        ) from error
    # Cards of the first releases have none.
    if "card_sha256" in card and card["card_sha256"] != _card_digest(card):
        raise InputError(
            f"the card of weights {label!r} does not match its own checksum",
            remedy="It was changed or damaged: fetch it again.",
        )
    return Weights(name=str(card["name"]), tensors=tensors, card=card, hash=digest)


def _card_digest(card: Mapping[str, Any]) -> str:
    """Hash everything on a card but the hash."""
    rest = {key: value for key, value in card.items() if key != "card_sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _check_card(card: Mapping[str, Any], label: str) -> None:
    version = card.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InputError(f"the card of weights {label!r} has schema_version = {version!r}")
    if version > SCHEMA_VERSION:
        raise InputError(
            f"weights {label!r} were written by a newer version of pelsvae_cadence (schema {version})",
            allowed=f"schema 1 to {SCHEMA_VERSION}",
            remedy="Upgrade pelsvae_cadence.",
        )
    missing = [name for name in CARD_FIELDS if name not in card]
    if missing:
        raise InputError(f"the card of weights {label!r} lacks {', '.join(missing)}")
