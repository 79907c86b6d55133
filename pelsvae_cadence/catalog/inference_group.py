"""The group `inference` of a catalogue: what was read out of its light curves, as HDF5 datasets."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import numpy.typing as npt

from pelsvae_cadence.catalog.columns import GrowingColumn
from pelsvae_cadence.catalog.layout import (
    FORMAT,
    FORMAT_MINOR,
    FORMAT_VERSION,
    OPTIONAL_GROUPS,
    attributes_digest,
    decode,
    encode,
)
from pelsvae_cadence.catalog.partial_file import PartialFile
from pelsvae_cadence.catalog.provenance import package_versions
from pelsvae_cadence.catalog.validation import open_catalog, validate_catalog
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.inference.fitted import FittedStars

__all__ = ["aligned_columns", "read_inference", "write_inference"]

_NAME: Final = "inference"
_COLUMNS: Final = OPTIONAL_GROUPS[_NAME]
_CHUNK: Final = 1024
_NUMBERS: Final = {"f": np.nan, "i": 0, "U": ""}


def read_inference(file: h5py.File) -> FittedStars | None:
    """Read the group of an open catalogue.

    Parameters
    ----------
    file : h5py.File
        The catalogue.

    Returns
    -------
    FittedStars or None
        The stars that were fitted, without curves; None where the catalogue has no such group.
    """
    if _NAME not in file:
        return None
    group = file[_NAME]
    columns = {c.name: decode(group[c.name][:], group[c.name].dtype) for c in _COLUMNS if c.name in group}
    return FittedStars.of_columns(
        columns, tuple(json.loads(group.attrs["classes"])), json.loads(group.attrs["options"])
    )


def write_inference(
    path: str | os.PathLike[str], fitted: FittedStars, *, overwrite: bool = False, command: str = ""
) -> None:
    """Write into a catalogue what was read out of its light curves.

    Parameters
    ----------
    path : str or Path
        The catalogue. It is copied, and replaced in one step when the new one is complete and checked.
    fitted : FittedStars
        Some or all of its stars.
    overwrite : bool
        Replace what the catalogue says already.
    command : str
        The command line, to be kept.

    Raises
    ------
    InputError
        If the catalogue is damaged or holds the group already, a star is not one of its stars, or the disk
        is full; the catalogue is as it was.
    """
    target = Path(path)
    problems = validate_catalog(target)
    if problems:
        raise InputError(f"{target} is damaged ({problems[0]})", remedy="Make it again, or take a copy.")
    with open_catalog(target) as file:
        if _NAME in file and not overwrite:
            raise InputError(
                f"{target} says already what its light curves tell (group {_NAME})",
                remedy="Ask to overwrite it (--overwrite).",
            )
        strange = fitted.star_id[~np.isin(fitted.star_id, file["stars/star_id"][:])]
    if strange.size:
        raise InputError(f"star {strange[0]} is not among the stars of {target}")
    output = PartialFile(target)
    try:
        output.copy_target()
        copy = h5py.File(output, "r+", libver=("v110", "v110"))
        try:
            if _NAME in copy:
                del copy[_NAME]  # the group that follows takes its place in the file
            _fill(copy.create_group(_NAME), fitted, command)
            copy.attrs["format_minor"] = FORMAT_MINOR
            copy.attrs["attributes_sha256"] = attributes_digest(copy)
        finally:
            with contextlib.suppress(OSError):
                copy.close()
        output.check()
        problems = validate_catalog(output.path)
        if problems:
            raise InputError(
                f"{target} could not be written: what the disk holds is not what was written ({problems[0]})",
                remedy="Check the disk.",
            )
        output.publish()
    except OSError:
        output.check()
        raise
    finally:
        output.discard()


def _fill(group: h5py.Group, fitted: FittedStars, command: str) -> None:
    group.attrs["format"] = FORMAT
    group.attrs["format_version"] = FORMAT_VERSION
    group.attrs["classes"] = json.dumps(fitted.classes)
    group.attrs["options"] = json.dumps(dict(fitted.options), sort_keys=True)
    group.attrs["versions"] = json.dumps(package_versions(), sort_keys=True)
    group.attrs["command"] = command
    group.attrs["created"] = datetime.now(UTC).isoformat(timespec="seconds")
    values = fitted.to_columns()
    for column in _COLUMNS:
        value = values.get(column.name)
        if value is None or 0 in value.shape[1:]:  # the harmonic search has no classes
            continue
        series = GrowingColumn.create(
            group, column, chunk=_CHUNK, width=value.shape[-1], compression="repeats"
        )
        series.extend(encode(column, value))
        series.flush()


def aligned_columns(fitted: FittedStars, star_id: npt.NDArray[np.int64]) -> Mapping[str, tuple[Any, str]]:
    """Put what is said of fitted stars beside a table of stars.

    Parameters
    ----------
    fitted : FittedStars
        The fitted stars.
    star_id : ndarray of int64, shape (N,)
        The stars of the table.

    Returns
    -------
    mapping of str to (ndarray, str)
        Columns of shape (N,) with their units, named ``fit_period`` and so on; NaN, 0 or empty for
        stars that were not fitted.
    """
    columns, _ = fitted._table()
    columns.pop("star_id")
    order = np.argsort(fitted.star_id, kind="stable")
    place = np.searchsorted(fitted.star_id, star_id, sorter=order)
    row = order[np.minimum(place, max(len(fitted) - 1, 0))] if len(fitted) else np.zeros_like(star_id)
    known = fitted.star_id[row] == star_id if len(fitted) else np.zeros(star_id.size, dtype=np.bool_)
    out: dict[str, tuple[Any, str]] = {}
    for name, value in columns.items():
        beside = np.full(star_id.size, _NUMBERS[value.dtype.kind], dtype=value.dtype)
        beside[known] = value[row[known]]
        out[f"fit_{name}"] = beside, fitted._units.get(name, "")
    return out
