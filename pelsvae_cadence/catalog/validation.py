"""Checking a catalogue against its specification and its own checksums."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import numpy.typing as npt

from pelsvae_cadence.catalog.layout import (
    FORMAT,
    FORMAT_MINOR,
    FORMAT_VERSION,
    GROUPS,
    OPTIONAL_GROUPS,
    Column,
    attributes_digest,
    dataset_digest,
)
from pelsvae_cadence.catalog.provenance import Provenance
from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError

__all__ = ["HDF5_ERRORS", "open_catalog", "validate_catalog"]

#: What h5py raises where a file is damaged, depending on which of its parts is.
HDF5_ERRORS: Final = (OSError, RuntimeError, KeyError, ValueError)

# HDF5 itself crashes on, or never comes back from, some files with damaged bytes in their structure.
# What it reads before our own checksums can speak is therefore read first by a process that can be
# stopped.
_TRIAL: Final = """
import sys
import h5py
with h5py.File(sys.argv[1], "r", locking=False) as file:
    def look(name, item):
        for key in item.attrs:
            item.attrs[key]
    look("", file)
    file.visititems(look)
"""
_TRIAL_SECONDS: Final = 30.0
# Files that passed it, as they were then: opening one again costs no second process.
_PASSED: Final[set[tuple[int, ...]]] = set()

_VALIDATE = "The file is damaged or was not finished: make it again, or take a copy."


def open_catalog(path: str | os.PathLike[str]) -> h5py.File:
    """Open a file for reading and make sure that it is a catalogue of a known version.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    h5py.File
        The open file.

    Raises
    ------
    InputError
        If there is no such file, it is no HDF5 file, truncated, no catalogue, or of a newer
        format version.
    """
    name = Path(path)
    if not name.is_file():
        raise InputError(f"there is no file {name}", remedy="Check the name of the catalogue.")
    try:
        if not h5py.is_hdf5(name):
            raise InputError(f"{name} is not an HDF5 file")
        _try_apart(name)
        # A catalogue gets its name when it is complete and is never changed: no lock is needed,
        # and network file systems often have none.
        file = h5py.File(name, "r", locking=False)
    except OSError as error:
        if isinstance(error, PermissionError):
            raise InputError(f"{name} cannot be read: {error.strerror}") from error
        kind = "truncated" if "truncated" in str(error) else "damaged"
        raise InputError(f"{name} is {kind}: HDF5 cannot open it", remedy=_VALIDATE) from error
    try:
        _check_format(name, file)
    except BaseException:
        file.close()
        raise
    return file


def _try_apart(name: Path) -> None:
    """Let another process read the structure of the file; refuse it if that one dies or hangs."""
    # Whoever writes to the file after this moment gives it another time; a new name does not.
    known = name.stat()
    state = known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns
    if state in _PASSED:
        return
    command = [sys.executable, "-I", "-c", _TRIAL, str(name)]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=_TRIAL_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{name} is damaged: HDF5 does not come back from reading its structure", remedy=_VALIDATE
        ) from error
    # Errors that HDF5 reports are met again, and named, by this process.
    if ended.returncode < 0:
        raise InputError(f"{name} is damaged: HDF5 dies of it (signal {-ended.returncode})", remedy=_VALIDATE)
    if ended.returncode == 0:
        _PASSED.add(state)


def _check_format(name: Path, file: h5py.File) -> None:
    try:
        found, version = file.attrs.get("format"), file.attrs.get("format_version")
    except HDF5_ERRORS as error:
        raise InputError(f"{name} is damaged in its attributes", remedy=_VALIDATE) from error
    if found != FORMAT:
        raise InputError(
            f"{name} is an HDF5 file but no catalogue (its format is {found!r})",
            allowed=f"files whose attribute 'format' is {FORMAT!r}",
        )
    if not isinstance(version, int | np.integer) or version < 1:
        raise InputError(f"{name} has format version {version!r}", allowed=f"1 to {FORMAT_VERSION}")
    if version > FORMAT_VERSION:
        raise InputError(
            f"{name} has format version {version}, which is newer than this program",
            allowed=f"1 to {FORMAT_VERSION}",
            remedy="Update pelsvae_cadence to read it.",
        )


def validate_catalog(path: str | os.PathLike[str]) -> list[str]:
    """Check a catalogue: structure, units, checksums and the links between its tables.

    Parameters
    ----------
    path : str or Path
        The file. It is read completely, in blocks.

    Returns
    -------
    list of str
        What is wrong, each with the name of the group or dataset; empty for a good catalogue.

    Raises
    ------
    InputError
        If the file cannot be opened as a catalogue of a known version.
    """
    with open_catalog(path) as file:
        problems: list[str] = []
        sound = True
        for group, columns in GROUPS.items():
            sound &= _check_group(file, group, columns, problems)
        optional = [group for group in OPTIONAL_GROUPS if _present(file, group)]
        checked = [_check_group(file, group, OPTIONAL_GROUPS[group], problems) for group in optional]
        if optional:
            _check_minor(file, problems)
        _check_provenance(file, problems)
        _check_attributes(file, problems)
        if sound:
            beside: list[str] = []
            with _noting(beside, "the tables cannot be compared"):
                _check_links(file, problems)
                if optional and all(checked):
                    _check_inference(file, problems)
            problems += [] if problems else beside  # named by dataset where its checksum failed
        return problems


@contextmanager
def _noting(problems: list[str], what: str) -> Iterator[None]:
    """Note what HDF5 cannot read, and go on behind the block."""
    try:
        yield
    except HDF5_ERRORS as error:
        problems.append(f"{what} ({' '.join(str(error).split())})")


def _item(file: h5py.File, name: str, kind: type, problems: list[str]) -> Any:
    with _noting(problems, f"{name}: cannot be opened"):
        item = file.get(name)
        if isinstance(item, kind):
            return item
        problems.append(f"{name}: the {'group' if kind is h5py.Group else 'dataset'} is missing")
    return None


def _present(group: h5py.Group, name: str) -> bool:
    try:
        return name in group
    except HDF5_ERRORS:
        return True  # and opening it will say what is wrong


def _check_marks(group: h5py.Group, name: str, problems: list[str]) -> None:
    with _noting(problems, f"{name}: the attributes cannot be read"):
        version = group.attrs.get("format_version")
        found = group.attrs.get("format"), getattr(version, "item", lambda: None)()
        if found != (FORMAT, FORMAT_VERSION):
            problems.append(
                f"{name}: the attributes format and format_version are {found}, "
                f"expected {(FORMAT, FORMAT_VERSION)}"
            )


def _check_group(file: h5py.File, name: str, columns: tuple[Column, ...], problems: list[str]) -> bool:
    """Check the columns of one group; tell whether their shapes can be worked with."""
    group = _item(file, name, h5py.Group, problems)
    if group is None:
        return False
    _check_marks(group, name, problems)
    length: dict[int, int] = {}
    sound = True
    # Offsets have one entry more than stars or positions, but points are as many as they say.
    for column in columns:
        path = f"{name}/{column.name}"
        if column.optional and not _present(group, column.name):
            continue
        dataset = _item(file, path, h5py.Dataset, problems)
        if dataset is None:
            sound = False
            continue
        if dataset.dtype != column.dtype or not _same_codes(dataset.dtype, column.dtype):
            problems.append(f"{path}: the type is {dataset.dtype}, expected {column.dtype}")
            sound = False
        if dataset.ndim != column.n_dimensions:
            problems.append(f"{path}: the shape is {dataset.shape}, expected {column.n_dimensions} axes")
            sound = False
            continue
        first = length.setdefault(column.extra_rows, dataset.shape[0])
        if dataset.shape[0] != first:
            problems.append(f"{path}: {dataset.shape[0]} rows, expected {first}")
            sound = False
        _check_dataset(path, dataset, column, problems)
    return sound


def _same_codes(found: np.dtype[Any], expected: np.dtype[Any]) -> bool:
    """Whether the bands of the format have their codes; a file may know more bands."""
    ours, theirs = h5py.check_enum_dtype(expected), h5py.check_enum_dtype(found)
    if ours is None or expected == np.bool_:
        return True
    return theirs is not None and all(theirs.get(name) == code for name, code in ours.items())


def _check_dataset(path: str, dataset: h5py.Dataset, column: Column, problems: list[str]) -> None:
    with _noting(problems, f"{path}: the attributes cannot be read"):
        attributes = dict(dataset.attrs)
        for key, value in column.attributes.items():
            # The description may be in other words; what it measures may not.
            if key not in attributes or (key != "description" and attributes[key] != value):
                problems.append(f"{path}: the attribute {key} is {attributes.get(key)!r}, expected {value!r}")
        with _noting(problems, f"{path}: the data cannot be read"):
            if dataset_digest(dataset) != attributes.get("sha256"):
                problems.append(f"{path}: the data do not match their checksum")


def _check_provenance(file: h5py.File, problems: list[str]) -> None:
    group = _item(file, "provenance", h5py.Group, problems)
    if group is None:
        return
    _check_marks(group, "provenance", problems)
    try:
        Provenance.from_attributes(group.attrs)
    except HDF5_ERRORS as error:
        problems.append(f"provenance: {error}")


def _check_attributes(file: h5py.File, problems: list[str]) -> None:
    with _noting(problems, "attributes: they cannot be read"):
        if file.attrs.get("attributes_sha256") != attributes_digest(file):
            problems.append("attributes: they do not match their checksum (attributes_sha256)")


def _check_minor(file: h5py.File, problems: list[str]) -> None:
    with _noting(problems, "format_minor: it cannot be read"):
        found = file.attrs.get("format_minor")
        if not isinstance(found, int | np.integer) or found < FORMAT_MINOR:
            problems.append(f"the attribute format_minor is {found!r}, expected {FORMAT_MINOR}")


def _check_inference(file: h5py.File, problems: list[str]) -> None:
    """Require what is said of stars to be of stars of the file, each once, and of the classes it names."""
    group = file["inference"]
    star_id = group["star_id"][:]
    if np.unique(star_id).size != star_id.size:
        problems.append("inference/star_id: numbers are repeated")
    if not np.isin(star_id, file["stars/star_id"][:]).all():
        problems.append("inference/star_id: a star is not among those of the file")
    classes, options = (_json(group, name) for name in ("classes", "options"))
    if not isinstance(options, dict):
        problems.append("inference: the attribute options holds no JSON object")
    width = group["class_probability"].shape[1] if "class_probability" in group else 0
    if not isinstance(classes, list) or len(classes) != width:
        problems.append(f"inference: the attribute classes does not name the {width} classes")


def _json(group: h5py.Group, name: str) -> Any:
    try:
        return json.loads(group.attrs[name])
    except (*HDF5_ERRORS, TypeError):
        return None  # and whoever asked says what is wrong


def _check_links(file: h5py.File, problems: list[str]) -> None:
    stars = file["stars"]
    n_stars = stars["star_id"].shape[0]
    visit_ends = _check_offsets(file, "visits", None, problems)
    point_ends = _check_offsets(file, "light_curves", n_stars, problems)
    star_id = stars["star_id"][:]
    if np.unique(star_id).size != n_stars:
        problems.append("stars/star_id: numbers are repeated")
    unknown = sorted(set(np.unique(stars["star_class"][:]).tolist()) - set(_CLASS_BYTES))
    if unknown:
        problems.append(f"stars/star_class: unknown class {unknown[0]!r}")
    if visit_ends is None or point_ends is None:
        return
    position = stars["position"][:]
    if n_stars and not (position.min() >= 0 and position.max() < visit_ends.size - 1):
        problems.append(f"stars/position: not all are from 0 to {visit_ends.size - 2}")
        return
    _check_visit_ids(file, position, visit_ends, point_ends, problems)


_CLASS_BYTES = tuple(name.encode("ascii") for name in STAR_CLASSES)


def _check_offsets(
    file: h5py.File, group: str, n: int | None, problems: list[str]
) -> npt.NDArray[np.int64] | None:
    path = f"{group}/offsets"
    ends: npt.NDArray[np.int64] = file[path][:]
    total = file[f"{group}/mjd"].shape[0]
    if ends.size == 0 or (n is not None and ends.size != n + 1):
        problems.append(f"{path}: {ends.size} entries, expected one more than stars")
    elif ends[0] != 0 or ends[-1] != total or (np.diff(ends) < 0).any():
        problems.append(f"{path}: they do not rise from 0 to {total}")
    else:
        return ends
    return None


def _check_visit_ids(
    file: h5py.File,
    position: npt.NDArray[np.int64],
    visit_ends: npt.NDArray[np.int64],
    point_ends: npt.NDArray[np.int64],
    problems: list[str],
) -> None:
    """Every point must come from a visit of its star's position."""
    known, of_visits = file["light_curves/visit_id"], file["visits/visit_id"]
    # Neighbours in the file mostly share a position: its visits are read once.
    first_of_run = np.flatnonzero(np.diff(position, prepend=-1)).tolist()
    for first, last in pairwise([*first_of_run, position.size]):
        where = int(position[first])
        visits = np.sort(of_visits[visit_ends[where] : visit_ends[where + 1]])
        for low in range(int(point_ends[first]), int(point_ends[last]), 1 << 20):
            ids = known[low : min(low + (1 << 20), int(point_ends[last]))]
            if not np.isin(ids, visits).all():
                problems.append("light_curves/visit_id: a point's visit is not among those of its position")
                return
