"""Catalogues as HATS: Parquet files by HEALPix pixel, with each star's light curve in its row.

LSDB opens the folder, crossmatches it with real surveys, and nested-pandas reads each file by
itself. HATS is the IVOA note on hierarchically adaptive tiling. Needs ``pip install
'pelsvae-cadence[scale]'``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.catalog.inference_group import aligned_columns
from pelsvae_cadence.catalog.layout import GROUPS
from pelsvae_cadence.catalog.reader import Catalog
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.hats import arrow_array, hats_modules, write_hats
from pelsvae_cadence.inference.fitted import FittedStars

__all__ = ["export_hats"]

_POINTS: Final = tuple(c for c in GROUPS["light_curves"] if c.name != "offsets")
_STARS: Final = tuple(c for c in GROUPS["stars"] if c.name not in ("position", "latent"))


def export_hats(
    catalog: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    name: str | None = None,
    stars_per_file: int = 5000,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a catalogue as HATS.

    Parameters
    ----------
    catalog : str or Path
        The HDF5 catalogue.
    folder : str or Path
        The folder to make. It appears when it is complete.
    name : str, optional
        Name of the HATS catalogue; that of the folder by default.
    stars_per_file : int
        Pixels are made small enough that a file holds at most so many stars (pixels smaller than
        half a degree are not made). One file is in memory at a time.
    overwrite : bool
        Replace an existing folder of that name.
    progress : callable, optional
        Called with (files written, all files).

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the folder exists, the catalogue is empty or cannot be read, the disk is full, or pyarrow
        or hats is missing.

    Notes
    -----
    One row a star: `_healpix_29`, the columns of ``/stars`` (latent coordinates as ``latent_0``,
    ``latent_1``, ...), those of ``/inference`` as ``fit_period`` and so on where the catalogue has been
    fitted, and the nested column ``lightcurve`` with those of ``/light_curves``. Units are
    in the metadata of the Parquet fields.
    """
    hats_modules()
    target = Path(folder)
    with Catalog(catalog) as source:
        if not len(source):
            raise InputError(f"{source.path} holds no star")
        stars, fitted = source.stars, source.inference
        return write_hats(
            target,
            lambda rows: _columns(source, rows, fitted),
            ra=stars.ra,
            dec=stars.dec,
            name=name or target.name,
            title="Simulated periodic variable stars",
            properties={"pelsvae_content": source.content_hash},
            rows_per_file=stars_per_file,
            overwrite=overwrite,
            progress=progress,
        )


def _columns(
    source: Catalog, rows: npt.NDArray[np.int64], fitted: FittedStars | None
) -> list[tuple[str, Any, str | None]]:
    import pyarrow as pa

    stars, curves = source.read_stars(rows), source.read_light_curves(rows)
    columns: list[tuple[str, Any, str | None]] = [
        (column.name, arrow_array(getattr(stars, column.name)), column.unit) for column in _STARS
    ]
    for j in range(0 if stars.latent is None else stars.latent.shape[1]):
        columns.append((f"latent_{j}", arrow_array(np.ascontiguousarray(stars.latent[:, j])), ""))  # type: ignore[index]
    if fitted is not None:
        beside = aligned_columns(fitted, stars.star_id)
        columns += [(name, arrow_array(value), unit) for name, (value, unit) in beside.items()]
    nested, fields = [], []
    offsets = pa.array(curves.offsets.astype(np.int32))
    for column in _POINTS:
        lists = pa.ListArray.from_arrays(offsets, arrow_array(getattr(curves, column.name)))
        nested.append(lists)
        fields.append(pa.field(column.name, lists.type, metadata={"unit": column.unit}))
    columns.append(("lightcurve", pa.StructArray.from_arrays(nested, fields=fields), None))
    return columns
