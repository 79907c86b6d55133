"""One door for light curves of all archives: tell which archive a table is of, and read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import plain_name
from pelsvae_cadence.core.tables.files import TableSource, open_table
from pelsvae_cadence.light_curves import LightCurves, MeasuredLightCurves
from pelsvae_cadence.readers.asassn import read_asassn
from pelsvae_cadence.readers.atlas import read_atlas
from pelsvae_cadence.readers.gaia import read_gaia
from pelsvae_cadence.readers.ogle import is_ogle_name, read_ogle
from pelsvae_cadence.readers.rubin import read_rubin
from pelsvae_cadence.readers.ztf import read_ztf

__all__ = ["READERS", "read_light_curves"]

#: Readers by name.
READERS: Final[dict[str, Callable[..., MeasuredLightCurves]]] = {
    "rubin": read_rubin,
    "ztf": read_ztf,
    "gaia": read_gaia,
    "ogle": read_ogle,
    "atlas": read_atlas,
    "asassn": read_asassn,
    "table": LightCurves.from_table,
}
# Columns, in the spelling of `plain_name`, that only this archive has together.
_SIGNS: Final[dict[str, tuple[frozenset[str], ...]]] = {
    name: tuple(frozenset(sign.split()) for sign in signs)
    for name, signs in {
        "rubin": ("psfflux psffluxerr band", "scienceflux sciencefluxerr band", "psfdiffflux band"),
        "ztf": (
            "oid filtercode mag magerr",
            "objectid filterid hmjd mag magerr",
            "catflags mag magerr",
            "forcediffimflux forcediffimfluxunc zpdiff",
        ),
        "gaia": (
            "source_id g_transit_time",
            "source_id bp_obs_time",
            "source_id time band flux flux_error rejected_by_photometry",
            "source_id transit_id time band flux",
        ),
        "atlas": ("mjd ujy dujy f",),
        "asassn": (
            "hjd mag mag_err flux flux_err camera",
            "jd mag mag_error flux flux_error filter quality",
            "asas_sn_id jd flux flux_err",
            "jd flux flux_err mag mag_err phot_filter",
        ),
    }.items()
}


def read_light_curves(source: Any, reader: str | None = None, **options: Any) -> MeasuredLightCurves:
    """Read light curves of an archive, or of a table of one's own.

    Parameters
    ----------
    source : path, DataFrame, Table or mapping
        A file, a folder (OGLE, Parquet), or a table in memory.
    reader : {"rubin", "ztf", "gaia", "ogle", "atlas", "asassn", "table"}, optional
        Whose it is; by default told by its columns, and by its name for OGLE. "table" is
        `LightCurves.from_table`, which also reads what no archive claims.
    **options : dict
        Further arguments of the reader, such as ``visits=`` of `read_rubin`.

    Returns
    -------
    MeasuredLightCurves
        The light curves; ``print(light_curves.origin)`` says what was taken for what.

    Raises
    ------
    InputError
        If several archives could be meant, an option is not the reader's, or the table is refused.

    Warns
    -----
    OmissionWarning
        If rows are left out.
    """
    if reader is None:
        reader, source = _detect_reader(source)
    if reader not in READERS:
        raise InputError(f"unknown reader {reader!r}", allowed=", ".join(READERS))
    read = READERS[reader]
    allowed = set(read.__kwdefaults__ or {})
    if strange := sorted(set(options) - allowed):
        raise InputError(
            f"{strange[0]} is no option of the reader {reader!r}",
            allowed=", ".join(sorted(allowed)) or "none",
        )
    return read(source, **options)


def _detect_reader(source: Any) -> tuple[str, Any]:
    """Tell whose table it is."""
    if isinstance(source, str | Path):
        path = Path(source)
        if not path.exists():
            raise InputError(f"{path} does not exist")
        if is_ogle_name(path):
            return "ogle", path
    table: TableSource = open_table(source)
    names = {plain_name(name) for name in table.names}
    names |= {plain_name(name) for inner in table.nested.values() for name in inner}
    found = [name for name, signs in _SIGNS.items() if any(sign <= names for sign in signs)]
    if len(found) > 1:
        raise InputError(
            f"{table.label} could be a table of {' or '.join(found)}", remedy=f'Say reader="{found[0]}".'
        )
    if not table.names and not table.nested:
        raise InputError(
            f"{table.label} has no line with the names of its columns, and is not named as OGLE's files are",
            remedy='Say reader="ogle" with band= and star_id=, or write such a line.',
        )
    return (found[0] if found else "table"), table
