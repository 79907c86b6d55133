"""Provenance: what a catalogue was made from, and with which seed and versions."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import Any, Final, Self

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.version import __version__

__all__ = ["Provenance", "package_versions"]

# Those whose version can change a number in the catalogue, and the one that writes it.
_PACKAGES: Final = ("numpy", "scipy", "torch", "astropy", "rubin-sim", "rubin-scheduler", "h5py")

_SEED_LIMIT: Final = 2**64 - 1  # the largest integer of HDF5
_TEXTS: Final = ("model_name", "model_hash", "survey_name", "survey_hash", "command", "created")


def package_versions() -> dict[str, str]:
    """Collect the versions of Python, this package and the packages behind its numbers."""
    versions = {"python": platform.python_version(), "pelsvae-cadence": __version__}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a catalogue comes from.

    Parameters
    ----------
    seed : int
        Seed of all random draws, 0 to 2^64 - 1.
    model_name : str
        Name of the source model.
    model_hash : str
        Hash of the model's weights.
    survey_name : str
        Name of the survey whose visits were used.
    survey_hash : str
        Hash of the survey's file, ``""`` where there is none.
    versions : mapping of str
        Versions of the packages; by default those installed.
    command : str
        The command line that made the catalogue, ``""`` where there is none.
    created : str
        Time of creation (UTC, ISO 8601); by default now.
    extra : mapping
        Anything else worth keeping that JSON can hold.

    Raises
    ------
    InputError
        If the seed is out of range, a text is not a string, or `extra` does not fit into JSON.
    """

    seed: int
    model_name: str
    model_hash: str
    survey_name: str
    survey_hash: str = ""
    versions: Mapping[str, str] = field(default_factory=package_versions)
    command: str = ""
    created: str = field(default_factory=_now)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        seed = self.seed
        if isinstance(seed, bool) or int(seed) != seed or not 0 <= seed <= _SEED_LIMIT:
            raise InputError(
                f"seed = {seed!r} cannot be kept in a catalogue", allowed="whole numbers from 0 to 2^64 - 1"
            )
        object.__setattr__(self, "seed", int(seed))
        for name in _TEXTS:
            value = getattr(self, name)
            if not isinstance(value, str) or "\0" in value:
                raise InputError(f"{name} = {value!r} of a provenance is not a text")
        for name in ("versions", "extra"):
            value = dict(getattr(self, name))
            try:
                same = json.loads(json.dumps(value, allow_nan=False)) == value
            except (TypeError, ValueError) as error:
                raise InputError(f"{name} of a provenance cannot be kept: {error}") from error
            if not same:
                raise InputError(
                    f"{name} of a provenance changes when it is kept as JSON",
                    allowed="texts as keys; numbers, texts, lists, dictionaries, None as values",
                )
            object.__setattr__(self, name, value)

    def to_attributes(self) -> dict[str, Any]:
        """Make the HDF5 attributes of the group ``provenance``."""
        attributes: dict[str, Any] = {name: getattr(self, name) for name in _TEXTS}
        attributes["seed"] = self.seed
        for name in ("versions", "extra"):
            attributes[name] = json.dumps(getattr(self, name), sort_keys=True)
        return attributes

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> Self:
        """Read the HDF5 attributes of the group ``provenance``."""
        try:
            values = {name: str(attributes[name]) for name in _TEXTS}
            return cls(
                seed=int(attributes["seed"]),
                versions=json.loads(attributes["versions"]),
                extra=json.loads(attributes["extra"]),
                **values,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the provenance cannot be read: {error}") from error
