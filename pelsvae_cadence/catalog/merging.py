"""Adding catalogues to a catalogue."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.catalog.reader import Catalog
from pelsvae_cadence.catalog.validation import validate_catalog
from pelsvae_cadence.catalog.writer import CatalogWriter
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.stars import Stars

__all__ = ["append_catalogs"]

# Stars read at once: with 800 visits 50 MB.
_AT_ONCE = 1000


def _site_batches(catalog: Catalog) -> Iterator[tuple[Stars, Visits, LightCurves]]:
    """Read a catalogue as the batches that a writer takes."""
    runs = groupby(range(catalog.n_stars), key=lambda row: int(catalog.position[row]))
    for position, group in runs:
        rows = np.fromiter(group, dtype=np.int64)
        visits = catalog.visits(position)
        for first in range(0, rows.size, _AT_ONCE):
            part = rows[first : first + _AT_ONCE]
            yield catalog.read_stars(part), visits, catalog.read_light_curves(part)


def append_catalogs(path: str | os.PathLike[str], others: Iterable[str | os.PathLike[str]]) -> int:
    """Add the stars of catalogues to another one.

    Parameters
    ----------
    path : str or Path
        The catalogue to extend; it is replaced in one step at the end.
    others : iterable of str or Path
        Catalogues to add, in this order.

    Returns
    -------
    int
        Number of stars added.

    Raises
    ------
    InputError
        If a file is damaged or no catalogue, a star is in it already, or the disk is full; the
        catalogue is as it was.
    """
    target, added = Path(path), 0
    sources = [Path(other) for other in others]
    if not sources:
        raise InputError("no catalogue to add", remedy="Name at least one.")
    for source in sources:
        problems = validate_catalog(source)
        if problems:
            raise InputError(f"{source} is damaged ({problems[0]})", remedy="Make it again.")
    catalogs = []
    try:
        catalogs = [Catalog(source) for source in sources]
        first = catalogs[0].provenance
        extra = {"added": [c.provenance.to_attributes() for c in catalogs[1:]]}
        kept = replace(first, extra={**first.extra, **(extra if extra["added"] else {})})
        with CatalogWriter(target, provenance=kept, append=True) as writer:
            for catalog in catalogs:
                for batch in _site_batches(catalog):
                    writer.append(*batch)
                added += catalog.n_stars
    finally:
        for catalog in catalogs:
            catalog.close()
    return added
