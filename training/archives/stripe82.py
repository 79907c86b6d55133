"""The RR Lyrae stars of SDSS Stripe 82: light curves, fits and mean magnitudes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.real_data import read_light_curve_set

__all__ = ["SDSS_BANDS", "Stripe82", "load_stripe82"]

SDSS_BANDS: Final = ("u", "g", "r", "i", "z")

# Missing values of the table.
_FAINTEST, _LARGEST_ERROR = 30.0, 1.0
# Scatter of the measurements beyond the quoted errors, in mag: what the light curves of one star
# show around any curve that repeats, in all bands alike.
_EXTRA_SCATTER: Final = 0.02


@dataclass(frozen=True, kw_only=True)
class Stripe82:
    """N stars of Sesar et al. (2010, ApJ 708, 717).

    Parameters
    ----------
    star : ndarray of int64, shape (N,)
        Identifiers of the catalogue.
    subtype : ndarray of str, shape (N,)
        ``"RRab"`` or ``"RRc"``.
    period : ndarray of float64, shape (N,)
        Periods in days.
    amplitude : ndarray of float64, shape (N, 5)
        Amplitudes of the catalogue's template fits in u, g, r, i, z [mag].
    mean_mag : ndarray of float64, shape (N, 5)
        Flux-mean magnitudes of the catalogue, without extinction.
    extinction_r : ndarray of float64, shape (N,)
        Extinction in r in mag.
    distance_modulus : ndarray of float64, shape (N,)
        Of the catalogue, which took M_V = 0.60 for all.
    ra, dec : ndarray of float64, shape (N,)
        Positions in degrees.
    points : tuple of tuple
        Per star and band phases (from the maximum in i), magnitudes and quoted errors.
    """

    star: npt.NDArray[np.int64]
    subtype: npt.NDArray[np.str_]
    period: FloatArray
    amplitude: FloatArray
    mean_mag: FloatArray
    extinction_r: FloatArray
    distance_modulus: FloatArray
    ra: FloatArray
    dec: FloatArray
    points: tuple[tuple[tuple[FloatArray, FloatArray, FloatArray], ...], ...]

    def __len__(self) -> int:
        return int(self.star.size)

    def with_scatter(self, row: int, band: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Give the points of a star with errors that cover its scatter.

        Parameters
        ----------
        row, band : int
            Star and band.

        Returns
        -------
        tuple of ndarray
            Phases, magnitudes, and errors with 0.02 mag added in quadrature.
        """
        phase, mag, err = self.points[row][band]
        return phase, mag, np.hypot(err, _EXTRA_SCATTER)

    def rows(self, subtype: str, judged: bool | None = None) -> npt.NDArray[np.int64]:
        """Select stars.

        Parameters
        ----------
        subtype : str
            ``"RRab"`` or ``"RRc"``.
        judged : bool, optional
            The stars that judge the band relations (True), those from which they are learned
            (False), or both.

        Returns
        -------
        ndarray of int64
            Rows.
        """
        mine = self.subtype == subtype
        if judged is not None:
            # All identifiers at hand are even; every second of them judges.
            mine = mine & ((self.star // 2 % 2 == 1) == judged)
        return np.flatnonzero(mine).astype(np.int64)


def load_stripe82(data: Path) -> Stripe82:
    """Read the stars.

    Parameters
    ----------
    data : Path
        Folder of the real data, the one that holds ``lightcurves``.

    Returns
    -------
    Stripe82
        The stars.

    Raises
    ------
    InputError
        If the files are not there.
    """
    arrays, table = read_light_curve_set(data / "lightcurves", "sdss_s82_rrlyr_ugriz")
    points = []
    for row in range(len(table)):
        one = slice(int(arrays["offsets"][row]), int(arrays["offsets"][row + 1]))
        time, mag, err = (arrays[key][one].astype(np.float64) for key in ("t", "mag", "err"))
        phase = (time - table["fit_iE"].iloc[row]) / table["period"].iloc[row]
        good = (mag < _FAINTEST) & (err < _LARGEST_ERROR) & (err > 0.0)
        points.append(
            tuple(
                (phase[mine], mag[mine], err[mine])
                for mine in (good & (arrays["band"][one] == b) for b in range(5))
            )
        )

    def columns(pattern: str) -> FloatArray:
        return np.stack([table[pattern.format(b)].to_numpy(dtype=np.float64) for b in SDSS_BANDS], axis=1)

    return Stripe82(
        star=table["id"].to_numpy(dtype=np.int64),
        subtype=table["subtype"].to_numpy(dtype=np.str_),
        period=table["period"].to_numpy(dtype=np.float64),
        amplitude=columns("fit_{}A"),
        mean_mag=columns("{}F"),
        extinction_r=table["rExt"].to_numpy(dtype=np.float64),
        distance_modulus=5.0 * np.log10(table["d"].to_numpy(dtype=np.float64)) + 10.0,
        ra=table["ra"].to_numpy(dtype=np.float64),
        dec=table["dec"].to_numpy(dtype=np.float64),
        points=tuple(points),
    )
