"""The open training set: real and simulated stars of all eight classes with physical labels.

`load_open_set` reads the committed table; `pelsvae_cadence.training.assembly.open_set` makes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.arrays import FloatArray, StructOfArrays, column, freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.training.archives.splits import SPLITS, star_numbers

__all__ = [
    "GALAXIES",
    "N_HARMONICS",
    "OPEN_SET_FILE",
    "PROVENANCES",
    "OpenSet",
    "load_open_set",
    "read_card",
    "save_open_set",
    "split_of",
    "stratified_splits",
]

#: Harmonics stored per shape; pulsating stars use the first 24, the rest is zero.
N_HARMONICS: Final = 64
GALAXIES: Final = ("LMC", "SMC", "BLG", "MW", "SIM", "UNK")
PROVENANCES: Final = ("observed", "observed-fourier", "simulated", "proxy-band")
_SCALE: Final = 2.0**-14  # coefficients are stored in these steps, as 16-bit integers
_SCHEMA: Final = 1
_GRID: Final = 1024  # phases on which the amplitude of a curve is found
_SPLIT_KEY: Final = "open set split 1"
#: The committed table; its card lies beside it with suffix ``.json``.
OPEN_SET_FILE: Final = Path(__file__).with_name("open_set.npz")
_STRINGS: Final = ("star", "star_class", "subtype", "galaxy", "provenance", "split")
_WHOLE: Final = ("n_fourier", "flags")


@dataclass(frozen=True, kw_only=True)
class OpenSet(StructOfArrays):
    """Stars with shape and physical labels (struct of arrays, N rows, one per star).

    Parameters
    ----------
    star : ndarray of str, shape (N,)
        Identity of the star, unique.
    star_class, subtype : ndarray of str, shape (N,)
        Class and subtype out of `pelsvae_cadence.classes`.
    galaxy : ndarray of str, shape (N,)
        LMC, SMC, BLG (bulge), MW (other Galactic), SIM (simulated) or UNK (a real star of which
        the field is lost).
    provenance : ndarray of str, shape (N,)
        Where the shape is from: ``observed`` (fit to a real I light curve), ``observed-fourier``
        (the catalogue's Fourier terms, higher harmonics completed), ``simulated``, ``proxy-band``
        (real shape in another band).
    split : ndarray of str, shape (N,)
        train, validation or test.
    period : ndarray of float64, shape (N,)
        Period [d]; the orbital period of binaries.
    teff : ndarray of float64, shape (N,)
        Effective temperature [K]; see docs/training-set.md for what it means per class.
    abs_mag_g, abs_mag_i : ndarray of float64, shape (N,)
        Extinction-free absolute magnitudes [mag].
    v_i0 : ndarray of float64, shape (N,)
        Intrinsic V - I [mag].
    amplitude_i : ndarray of float64, shape (N,)
        Peak-to-peak I amplitude [mag].
    feh : ndarray of float64, shape (N,)
        [Fe/H] [dex], NaN where unknown.
    n_fourier : ndarray of int64, shape (N,)
        Harmonics that were measured; those above are completed from other stars.
    cos, sin : ndarray of float32, shape (N, K)
        Coefficients of the standard shape, `pelsvae_cadence.core.phase_curve` convention.
    flags : ndarray of int64, shape (N,)
        `pelsvae_cadence.training.labels.physical.LabelFlag` bits.
    """

    star: npt.NDArray[np.str_]
    star_class: npt.NDArray[np.str_]
    subtype: npt.NDArray[np.str_]
    galaxy: npt.NDArray[np.str_]
    provenance: npt.NDArray[np.str_]
    split: npt.NDArray[np.str_]
    period: FloatArray
    teff: FloatArray
    abs_mag_g: FloatArray
    abs_mag_i: FloatArray
    v_i0: FloatArray
    amplitude_i: FloatArray
    feh: FloatArray
    n_fourier: npt.NDArray[np.int64]
    cos: npt.NDArray[np.float32]
    sin: npt.NDArray[np.float32]
    flags: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        n = np.asarray(self.star).size
        for field in fields(self):
            if field.name in ("cos", "sin"):
                continue
            kind: Any = np.float64
            if field.name in _STRINGS:
                kind = np.str_
            elif field.name in _WHOLE:
                kind = np.int64
            value = column(field.name, getattr(self, field.name), n, kind, finite=field.name != "feh")
            object.__setattr__(self, field.name, value)
        for name in ("cos", "sin"):
            array = np.array(getattr(self, name), dtype=np.float32)
            if array.ndim != 2 or array.shape[0] != n or not np.isfinite(array).all():
                raise InputError(f"{name} must be finite with shape ({n}, K), not {array.shape}")
            object.__setattr__(self, name, freeze(array))
        if np.unique(self.star).size != n:
            raise InputError("a star has more than one row")
        for name, known in (
            ("star_class", STAR_CLASSES),
            ("galaxy", GALAXIES),
            ("provenance", PROVENANCES),
            ("split", SPLITS),
        ):
            strange = set(np.unique(getattr(self, name)).tolist()) - set(known)
            if strange:
                raise InputError(f"unknown {name}: {sorted(strange)}", allowed=", ".join(known))

    @property
    def curve(self) -> PhaseCurve:
        """The shapes."""
        return PhaseCurve(cos=self.cos.astype(np.float64), sin=self.sin.astype(np.float64))


def split_of(stars: Iterable[str]) -> npt.NDArray[np.str_]:
    """Assign stars to train (60 %), validation (20 %) and test (20 %) by their names alone.

    This is the split of the stars from which others learn (donors of higher harmonics and of Mira
    shapes) before the table is assembled.

    Parameters
    ----------
    stars : iterable of str
        Names.

    Returns
    -------
    ndarray of str, shape (N,)
        The split of each star: adding rows moves no star, and all data of a star stay together.
    """
    number = star_numbers([f"{_SPLIT_KEY}|{s}" for s in stars])
    share = number.astype(np.float64) / 2.0**63
    return np.where(share < 0.6, "train", np.where(share < 0.8, "validation", "test"))


def stratified_splits(
    stars: npt.ArrayLike, strata: npt.ArrayLike, pinned: npt.ArrayLike
) -> npt.NDArray[np.str_]:
    """Split every stratum 60/20/20, to the star.

    Parameters
    ----------
    stars : array_like of str, shape (N,)
        Names.
    strata : array_like of str, shape (N,)
        Stratum of each star, class and subtype.
    pinned : array_like of bool, shape (N,)
        Stars that keep `split_of`, because others have learned from them.

    Returns
    -------
    ndarray of str, shape (N,)
        The split. The stars that are not pinned fill up what is missing, in the order of the hash
        of their names. Where the pinned ones alone exceed a share, the rest is divided in
        proportion to what the other shares still lack.
    """
    names, stratum = np.asarray(stars).astype(str), np.asarray(strata).astype(str)
    fixed = np.asarray(pinned, dtype=bool)
    split = split_of(names)
    order = star_numbers([f"{_SPLIT_KEY}|{s}" for s in names])
    for value in np.unique(stratum):
        mine = np.flatnonzero(stratum == value)
        free = mine[~fixed[mine]]
        free = free[np.argsort(order[free], kind="stable")]
        taken = np.array([np.sum(split[mine[fixed[mine]]] == s) for s in SPLITS])
        missing = np.maximum(np.array([0.6, 0.2, 0.2]) * mine.size - taken, 0.0)
        if free.size:
            cut = np.rint(np.cumsum(missing) * free.size / missing.sum()).astype(np.int64)
            split[free] = np.repeat(SPLITS, np.diff(cut, prepend=0))
    return split


def save_open_set(table: OpenSet, path: Path) -> None:
    """Write the table.

    Parameters
    ----------
    table : OpenSet
        The rows.
    path : path
        File to write (``.npz``, compressed, no pickles). Coefficients are rounded to 2**-14, less
        than 1e-3 of the amplitude for the whole curve.
    """
    arrays: dict[str, Any] = {"schema": np.array(_SCHEMA)}
    for field in fields(table):
        value = getattr(table, field.name)
        if field.name in ("cos", "sin"):
            steps = np.rint(value / _SCALE)
            if np.abs(steps).max() > np.iinfo(np.int16).max:
                raise InputError("a coefficient above 2 cannot be stored")
            value = steps.astype(np.int16)
        elif field.name == "period":
            value = value.astype(np.float64)
        elif value.dtype.kind == "f":
            value = value.astype(np.float32)
        elif value.dtype.kind == "i":
            value = value.astype(np.int16)
        arrays[field.name] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)


def read_card() -> dict[str, Any]:
    """Read how the committed table was made.

    Returns
    -------
    dict
        Counts, rejections, relations, seed.

    Raises
    ------
    InputError
        If there is no card, or it belongs to another table.
    """
    file = OPEN_SET_FILE
    card_file = file.with_suffix(".json")
    if not (card_file.is_file() and file.is_file()):
        raise InputError(
            f"no card at {card_file}",
            remedy="Build the table with: python -m pelsvae_cadence.training dataset",
        )
    card: dict[str, Any] = json.loads(card_file.read_text())
    if card.get("sha256") != hashlib.sha256(file.read_bytes()).hexdigest():
        raise InputError(f"{card_file.name} describes another table", remedy="Build both again.")
    return card


def load_open_set(path: Path | str | None = None) -> OpenSet:
    """Read the open training set.

    Parameters
    ----------
    path : path, optional
        A file of `save_open_set`; the committed table by default.

    Returns
    -------
    OpenSet
        The rows; curves are rescaled to unit peak-to-peak amplitude after rounding.

    Raises
    ------
    InputError
        If the file is absent or of another version.
    """
    file = Path(path) if path is not None else OPEN_SET_FILE
    if not file.is_file():
        raise InputError(
            f"no training table at {file}", remedy="Build it with: python -m pelsvae_cadence.training dataset"
        )
    with np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    version = int(arrays.pop("schema", -1))
    if version != _SCHEMA:
        raise InputError(f"{file.name} has schema version {version}", allowed=str(_SCHEMA))
    cos, sin = (arrays[name].astype(np.float64) * _SCALE for name in ("cos", "sin"))
    # The curves on 1,024 phases, by one Fourier transform: rounding has changed their size.
    size = np.ptp(PhaseCurve(cos=cos, sin=sin).on_grid(_GRID), axis=1)[:, None]
    arrays["cos"], arrays["sin"] = cos / size, sin / size
    return OpenSet(**arrays)
