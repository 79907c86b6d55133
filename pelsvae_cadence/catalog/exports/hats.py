"""Catalogues as HATS: Parquet files by HEALPix pixel, with each star's light curve in its row.

LSDB opens the folder, crossmatches it with real surveys, and nested-pandas reads each file by
itself. HATS is the IVOA note on hierarchically adaptive tiling. Needs ``pip install
'pelsvae-cadence[scale]'``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.catalog.layout import GROUPS
from pelsvae_cadence.catalog.reader import Catalog
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import replacing_folder

__all__ = ["export_hats"]

_HIGHEST_ORDER: Final = 7  # pixels of half a degree
_SPATIAL_ORDER: Final = 29
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
    ``latent_1``, ...), and the nested column ``lightcurve`` with those of ``/light_curves``. Units are
    in the metadata of the Parquet fields.
    """
    hats = _hats()
    target = Path(folder)
    if target.exists() and not overwrite:
        raise InputError(f"{target} exists already", remedy="Choose another name, or allow to overwrite it.")
    if stars_per_file < 1:
        raise InputError(f"{stars_per_file} stars per file", allowed="1 or more")
    try:
        with Catalog(catalog) as source, replacing_folder(target) as partial:
            _write(source, partial, name or target.name, stars_per_file, hats, progress)
    except OSError as error:
        raise InputError(
            f"{target} could not be written: {error.strerror or error}",
            remedy="Make room, or choose a folder that you may write to.",
        ) from error
    return target


def _hats() -> dict[str, Any]:
    """Load what is needed of pyarrow and hats; neither declares its types."""
    wanted = {
        "pa": "pyarrow",
        "pq": "pyarrow.parquet",
        "paths": "hats.io.paths",
        "hats": "hats",
        "metadata": "hats.io.parquet_metadata",
        "info": "hats.catalog.partition_info",
        "pixel": "hats.pixel_math.healpix_pixel",
        "properties": "hats.catalog.dataset.table_properties",
    }
    try:
        return {key: import_module(module) for key, module in wanted.items()}
    except ImportError as error:
        raise InputError(
            f"HATS needs hats and pyarrow ({error.name} is not installed)",
            remedy="pip install 'pelsvae-cadence[scale]'.",
        ) from error


def _write(
    source: Catalog,
    folder: Path,
    name: str,
    stars_per_file: int,
    hats: dict[str, Any],
    progress: Callable[[int, int], None] | None,
) -> None:
    import healpy

    if not len(source):
        raise InputError(f"{source.path} holds no star")
    stars = source.stars
    spatial = healpy.ang2pix(2**_SPATIAL_ORDER, stars.ra, stars.dec, nest=True, lonlat=True)
    for order in range(_HIGHEST_ORDER + 1):
        pixel = spatial >> (2 * (_SPATIAL_ORDER - order))
        pixels, counts = np.unique(pixel, return_counts=True)
        if counts.max() <= stars_per_file:
            break
    made = []
    for k, number in enumerate(pixels.tolist()):
        rows = np.flatnonzero(pixel == number)
        rows = rows[np.argsort(spatial[rows], kind="stable")]
        table = _table(source, rows, spatial[rows], hats["pa"])
        place = hats["pixel"].HealpixPixel(order, number)
        path = Path(str(hats["paths"].pixel_catalog_file(str(folder), place)))
        path.parent.mkdir(parents=True, exist_ok=True)
        hats["pq"].write_table(table, path)
        made.append(place)
        if progress is not None:
            progress(k + 1, len(pixels))
    hats["metadata"].write_parquet_metadata(str(folder))
    info = hats["info"].PartitionInfo.from_healpix(made)
    info.write_to_file(folder / "partition_info.csv")
    hats["properties"].TableProperties(
        catalog_name=name,
        catalog_type="object",
        total_rows=len(source),
        ra_column="ra",
        dec_column="dec",
        healpix_column=f"_healpix_{_SPATIAL_ORDER}",
        healpix_order=_SPATIAL_ORDER,
        hats_order=order,
        hats_max_rows=int(counts.max()),
        obs_title="Simulated periodic variable stars",
        pelsvae_content=source.content_hash,
    ).to_properties_file(str(folder))


def _table(source: Catalog, rows: npt.NDArray[np.int64], spatial: npt.NDArray[np.int64], pa: Any) -> Any:
    stars, curves = source.read_stars(rows), source.read_light_curves(rows)
    columns: list[Any] = [pa.array(spatial)]
    schema: list[Any] = [pa.field(f"_healpix_{_SPATIAL_ORDER}", pa.int64())]

    def add(name: str, values: Any, unit: str) -> None:
        array = _arrow(values, pa)
        columns.append(array)
        schema.append(pa.field(name, array.type, metadata={"unit": unit}))

    for column in _STARS:
        add(column.name, getattr(stars, column.name), column.unit)
    for j in range(0 if stars.latent is None else stars.latent.shape[1]):
        add(f"latent_{j}", np.ascontiguousarray(stars.latent[:, j]), "")  # type: ignore[index]
    nested, fields = [], []
    offsets = pa.array(curves.offsets.astype(np.int32))
    for column in _POINTS:
        lists = pa.ListArray.from_arrays(offsets, _arrow(getattr(curves, column.name), pa))
        nested.append(lists)
        fields.append(pa.field(column.name, lists.type, metadata={"unit": column.unit}))
    columns.append(pa.StructArray.from_arrays(nested, fields=fields))
    schema.append(pa.field("lightcurve", columns[-1].type))
    return pa.table(columns, schema=pa.schema(schema))


def _arrow(values: npt.NDArray[Any], pa: Any) -> Any:
    """Make an Arrow array; an empty list of texts is still one of texts."""
    return pa.array(values.tolist(), pa.string()) if values.dtype.kind == "U" else pa.array(values)
