"""What a run keeps of the stars it observed: an example to look at, and the HDF5 catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from pelsvae_cadence.catalog.provenance import Provenance
from pelsvae_cadence.catalog.writer import CatalogWriter
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.metrics.position.observe import Recovery
from pelsvae_cadence.stars import Stars

__all__ = ["Example", "Keeper"]

_ENOUGH_POINTS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Example:
    """One star of a run, to look at.

    Parameters
    ----------
    stars : Stars
        The star.
    curve : PhaseCurve
        Its shape.
    light_curves : LightCurves
        Its light curve.
    found_period : float
        The period found, in days; NaN if none.
    verdict : str
        How right it is.
    """

    stars: Stars
    curve: PhaseCurve
    light_curves: LightCurves
    found_period: float
    verdict: str


class Keeper:
    """Collect what passes by during a run.

    Parameters
    ----------
    typical_magnitude : float
        The example is taken near this mean magnitude; one with its period found is preferred.
    reference_band : str
        Band of that magnitude.
    catalog : Path, optional
        Catalogue to write.
    provenance : Provenance, optional
        What the catalogue is made from; needed for a catalogue.
    """

    def __init__(
        self,
        typical_magnitude: float,
        reference_band: str,
        *,
        catalog: Path | None = None,
        provenance: Provenance | None = None,
    ) -> None:
        self.example: Example | None = None
        self.typical_magnitude = typical_magnitude
        self._band = reference_band
        self._best = (False, -np.inf, 0)
        self._writer: CatalogWriter | None = None
        if catalog is not None and provenance is not None:
            self._writer = CatalogWriter(catalog, provenance=provenance)

    def __enter__(self) -> Self:
        if self._writer is not None:
            self._writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.__exit__(kind, error, traceback)

    def keep(self, recovery: Recovery) -> None:
        """Look at the stars of one position, class and magnitude.

        Parameters
        ----------
        recovery : Recovery
            What became of them.
        """
        if self._writer is not None:
            self._writer.append(recovery.stars, recovery.visits, recovery.light_curves)
        found = recovery.verdicts.verdict == "exact"
        row = int(np.argmax(found))
        here = recovery.light_curves.star(row)
        in_band = here.mag_true[here.band == self._band]
        distance = abs(float(in_band.mean()) - self.typical_magnitude) if in_band.size else np.inf
        # Deep fields have more points than a picture can show: beyond a thousand, more is no better.
        n_points = min(int(here.detected.sum()), _ENOUGH_POINTS)
        rank = (bool(found[row]), -round(distance, 1), n_points)
        if rank > self._best:
            self._best = rank
            self.example = Example(
                stars=recovery.stars.take([row]),
                curve=recovery.curve.take([row]),
                light_curves=here,
                found_period=float(recovery.periods.period[row]),
                verdict=str(recovery.verdicts.verdict[row]),
            )
