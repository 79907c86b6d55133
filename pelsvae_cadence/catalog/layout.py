"""Layout of the catalogue, format version 1.1: groups, columns, types, units.

The one place where the format is written down as code; ``docs/catalog-format.md`` says the same
in words, and a test compares the two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import h5py
import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError

__all__ = [
    "BAND_CODES",
    "FORMAT",
    "FORMAT_MINOR",
    "FORMAT_VERSION",
    "GROUPS",
    "OPTIONAL_GROUPS",
    "Column",
    "attributes_digest",
    "columns_of",
    "dataset_blocks",
    "dataset_digest",
    "decode",
    "encode",
    "visits_of",
]

FORMAT: Final = "pelsvae_cadence-catalog"
FORMAT_VERSION: Final = 1
#: Stated by files that have one of `OPTIONAL_GROUPS`; readers of version 1.0 ignore these.
FORMAT_MINOR: Final = 1

#: Codes of the bands in the file. Frozen by the format: new bands are added at the end.
BAND_CODES: Final[dict[str, int]] = {
    "u": 0,
    "g": 1,
    "r": 2,
    "i": 3,
    "z": 4,
    "y": 5,
    "zg": 6,
    "zr": 7,
    "zi": 8,
}

_BAND_TYPE: Final = h5py.enum_dtype(BAND_CODES, basetype="u1")
_NO_BAND: Final = 255
_NAN_IF_UNKNOWN: Final = ("airmass", "seeing")

#: Bytes read at once when a whole dataset is checked.
_BLOCK_BYTES: Final = 8 * 2**20


@dataclass(frozen=True, kw_only=True)
class Column:
    """One dataset of the catalogue.

    Parameters
    ----------
    name : str
        Name of the dataset in its group.
    dtype : numpy.dtype
        Type of the elements in the file.
    unit : str
        Unit as astropy spells it, ``""`` for numbers without one.
    description : str
        What the numbers are, for the attribute of that name.
    time_scale, time_format : str
        For times, in the words of `astropy.time`; else ``""``.
    n_dimensions : int
        Number of axes.
    extra_rows : int
        Rows beyond one per item: 1 for offsets, which also hold the end.
    optional : bool
        Whether the dataset may be absent.
    """

    name: str
    dtype: np.dtype[Any]
    unit: str
    description: str
    time_scale: str = ""
    time_format: str = ""
    n_dimensions: int = 1
    extra_rows: int = 0
    optional: bool = False

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes that the dataset must carry, beside its checksum."""
        values = {"unit": self.unit, "description": self.description}
        if self.time_scale:
            values |= {"time_scale": self.time_scale, "time_format": self.time_format}
        return values


def _column(name: str, dtype: npt.DTypeLike, unit: str, description: str, **more: Any) -> Column:
    return Column(name=name, dtype=np.dtype(dtype), unit=unit, description=description, **more)


_TAI: Final = {"time_scale": "tai", "time_format": "mjd"}
_TDB: Final = {"time_scale": "tdb", "time_format": "jd"}

_STARS: Final = (
    _column("star_id", "<i8", "", "Number of the star, unique in the file"),
    _column("position", "<i8", "", "Number of the visit list under which the star was observed"),
    _column("star_class", "S8", "", "Class of variable star"),
    _column("subtype", "S8", "", "Subtype of the class, empty where unknown"),
    _column("period", "<f8", "d", "Period; for binaries the orbital period"),
    _column("teff", "<f8", "K", "Effective temperature"),
    _column("abs_mag_g", "<f8", "mag", "Intensity-mean absolute magnitude in Gaia G (Vega)"),
    _column("amplitude_i", "<f8", "mag", "Peak-to-peak amplitude in Cousins I"),
    _column(
        "epoch", "<f8", "d", "Barycentric time of maximum light, for binaries of primary minimum", **_TDB
    ),
    _column("ra", "<f8", "deg", "Right ascension (ICRS)"),
    _column("dec", "<f8", "deg", "Declination (ICRS)"),
    _column("distance_modulus", "<f8", "mag", "True distance modulus"),
    _column("ebv", "<f8", "mag", "True colour excess E(B-V)"),
    _column("feh", "<f8", "dex", "Metallicity [Fe/H], NaN where unknown"),
    _column(
        "latent", "<f8", "", "Latent coordinates of the light-curve shape", n_dimensions=2, optional=True
    ),
)

_VISITS: Final = (
    _column("offsets", "<i8", "", "First visit of each position, and the end of the last", extra_rows=1),
    _column("mjd", "<f8", "d", "Mid-exposure time", **_TAI),
    _column("band", _BAND_TYPE, "", "Photometric band"),
    _column("m5", "<f8", "mag(AB)", "Five-sigma point-source depth"),
    _column("night", "<i8", "", "Number of the night"),
    _column("visit_id", "<i8", "", "Number of the visit in its survey, unique at a position"),
    _column("exptime", "<f8", "s", "Exposure time"),
    _column("airmass", "<f8", "", "Airmass; NaN at all visits of a position where not given"),
    _column(
        "seeing", "<f8", "arcsec", "Effective seeing (FWHM); NaN at all visits of a position where not given"
    ),
)

_LIGHT_CURVES: Final = (
    _column(
        "offsets",
        "<i8",
        "",
        "First point of each star, in the order of stars/star_id, and the end",
        extra_rows=1,
    ),
    _column("mjd", "<f8", "d", "Mid-exposure time", **_TAI),
    _column("band", _BAND_TYPE, "", "Photometric band"),
    _column("visit_id", "<i8", "", "Number of the visit behind the point"),
    _column("mag_true", "<f8", "mag(AB)", "Noise-free magnitude"),
    _column("mag", "<f8", "mag(AB)", "Measured magnitude, NaN where not detected"),
    _column("mag_err", "<f8", "mag", "Error of the measured magnitude, NaN where not detected"),
    _column("flux", "<f8", "nJy", "Measured (forced) flux"),
    _column("flux_err", "<f8", "nJy", "Error of the measured flux"),
    _column("detected", np.bool_, "", "Whether the flux is above the detection threshold"),
    _column("saturated", np.bool_, "", "Whether the point is brighter than the saturation limit"),
)

#: The groups that hold columns, in the order in which they are written.
GROUPS: Final[dict[str, tuple[Column, ...]]] = {
    "stars": _STARS,
    "visits": _VISITS,
    "light_curves": _LIGHT_CURVES,
}


_INFERENCE: Final = (
    _column("star_id", "<i8", "", "Number of the star, one of stars/star_id"),
    _column("status", "S32", "", "ok, or why there is no answer"),
    _column("period", "<f8", "d", "Most probable period, NaN without an answer"),
    _column("period_error", "<f8", "d", "Standard error of the period, given that it is no alias"),
    _column("probability", "<f8", "", "Probability that the period is right"),
    _column(
        "star_class", "S8", "", "Most probable class, other for shapes unlike all, empty without an answer"
    ),
    _column("subtype", "S8", "", "Most probable subtype, likewise"),
    _column(
        "class_probability",
        "<f8",
        "",
        "Probabilities of the classes that the attribute classes of the group names, if there is a period",
        n_dimensions=2,
        optional=True,
    ),
    _column("no_period_probability", "<f8", "", "Probability that there is no period"),
    _column("false_alarm_probability", "<f8", "", "False-alarm probability of the highest peak"),
    _column("n_points", "<i8", "", "Number of points used"),
    _column(
        "other_periods",
        "<f8",
        "d",
        "Alternatives, best first, padded with NaN",
        n_dimensions=2,
        optional=True,
    ),
    _column(
        "other_probabilities",
        "<f8",
        "",
        "Their probabilities, padded with NaN",
        n_dimensions=2,
        optional=True,
    ),
    *(
        _column(f"{name}{end}", "<f8", unit, f"{what}{which}, NaN where unknown", optional=True)
        for name, unit, what in (
            ("teff", "K", "Effective temperature"),
            ("abs_mag_g", "mag", "Absolute magnitude in Gaia G (Vega)"),
            ("amplitude_i", "mag", "Peak-to-peak amplitude in Cousins I"),
            ("ebv", "mag", "True colour excess E(B-V)"),
            ("distance_modulus", "mag", "True distance modulus"),
        )
        for end, which in (("", ", median"), ("_low", ", start of the 68 % interval"), ("_high", ", its end"))
    ),
)

#: Groups that a file may be without, and that do not belong to its content.
OPTIONAL_GROUPS: Final[dict[str, tuple[Column, ...]]] = {"inference": _INFERENCE}


def columns_of(group: str, rows: Any) -> dict[str, npt.NDArray[Any]]:
    """Take the columns of a group from one of the package's dataclasses.

    Parameters
    ----------
    group : str
        One of `GROUPS`.
    rows : Stars, Visits or LightCurves
        The rows.

    Returns
    -------
    dict of str to ndarray
        The columns that `rows` has, without offsets; NaN for airmass or seeing where it is not known.
    """
    columns = {}
    for column in GROUPS[group]:
        value = getattr(rows, column.name, None)
        if column.name != "offsets" and value is not None:
            columns[column.name] = value
        elif column.name in _NAN_IF_UNKNOWN:
            columns[column.name] = np.full(len(rows), np.nan)
    return columns


def visits_of(columns: Mapping[str, npt.NDArray[Any]]) -> Visits:
    """Make visits again of the columns that `columns_of` gives."""
    known: dict[str, Any] = {
        name: None if name in _NAN_IF_UNKNOWN and np.isnan(value).all() else value
        for name, value in columns.items()
    }
    return Visits(**known)


def encode(column: Column, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Turn the values of a column into what the file holds."""
    if h5py.check_enum_dtype(column.dtype) == BAND_CODES:
        codes = np.full(values.shape, _NO_BAND, dtype=np.uint8)
        for name, code in BAND_CODES.items():
            codes[values == name] = code
        if (codes == _NO_BAND).any():
            raise InputError(
                f"unknown band {str(values[codes == _NO_BAND][0])!r} in a catalogue",
                allowed=", ".join(BAND_CODES),
            )
        return codes
    if column.dtype.kind == "S":
        text = np.strings.encode(values, "ascii")
        if text.dtype.itemsize > column.dtype.itemsize:
            raise InputError(f"{column.name} is longer than {column.dtype.itemsize} characters")
        return np.ascontiguousarray(text, dtype=column.dtype)
    return np.ascontiguousarray(values, dtype=column.dtype)


def decode(values: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Turn what the file holds into values of the package's dataclasses.

    Parameters
    ----------
    values : ndarray
        Values as h5py returned them.
    dtype : numpy.dtype
        Type of the dataset, which carries the band names.

    Returns
    -------
    ndarray
        Native numbers or strings.

    Raises
    ------
    InputError
        If a band code has no name.
    """
    codes = h5py.check_enum_dtype(dtype)
    if codes is not None:
        names = np.full(256, "", dtype="U2")
        for name, code in codes.items():
            names[code] = name
        text: npt.NDArray[Any] = names[values]
        if (text == "").any():
            raise InputError(
                f"band code {int(values[text == ''][0])} has no name",
                remedy="The file is damaged: check it with `pelsvae_cadence catalog validate`.",
            )
        return text
    if dtype.kind == "S":
        return np.strings.decode(values, "ascii")
    return np.asarray(values, dtype=dtype.newbyteorder("="))


def dataset_blocks(dataset: h5py.Dataset) -> Iterator[bytes]:
    """Read a dataset's elements block by block.

    Parameters
    ----------
    dataset : h5py.Dataset
        The dataset.

    Yields
    ------
    bytes
        The elements' bytes in C order, little-endian, a few megabytes at a time.
    """
    width = int(np.prod(dataset.shape[1:], dtype=np.int64)) * dataset.dtype.itemsize
    step = max(1, _BLOCK_BYTES // max(1, width))
    if dataset.chunks:
        step = -(-step // dataset.chunks[0]) * dataset.chunks[0]
    for first in range(0, dataset.shape[0], step):
        yield np.ascontiguousarray(dataset[first : first + step]).tobytes()


def dataset_digest(dataset: h5py.Dataset) -> str:
    """Compute the checksum of a dataset's elements."""
    digest = hashlib.sha256()
    for block in dataset_blocks(dataset):
        digest.update(block)
    return digest.hexdigest()


def attributes_digest(file: h5py.File) -> str:
    """Compute the checksum of all attributes in a file but its own.

    Since they hold the checksums of the datasets, the result identifies the whole content.

    Parameters
    ----------
    file : h5py.File
        The file.

    Returns
    -------
    str
        SHA-256 (hexadecimal) of ``{"object": {"attribute": value}}`` as JSON with sorted keys
        and without blanks.
    """
    table = {"/": _plain_attributes(file)}
    table["/"].pop("attributes_sha256", None)
    file.visititems(lambda name, item: table.__setitem__(name, _plain_attributes(item)))
    text = json.dumps(table, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _plain_attributes(item: h5py.HLObject) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in item.attrs.items():
        plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        values[name] = plain.decode("utf-8", "replace") if isinstance(plain, bytes) else plain
    return values
