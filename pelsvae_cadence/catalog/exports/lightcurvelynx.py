"""LightCurveLynx and this package: our stars as one of its models, its survey tables as ours.

Needs ``pip install 'pelsvae-cadence[lightcurvelynx]'``.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import SurveyName, parse_bands
from pelsvae_cadence.cadence.survey import Survey
from pelsvae_cadence.cadence.tables import survey_from_frame
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import mag_to_flux
from pelsvae_cadence.core.times import MJD_ZERO
from pelsvae_cadence.simulation.simulate import simulate
from pelsvae_cadence.stars import Stars

if TYPE_CHECKING:
    from pelsvae_cadence.model.source import LightCurveModel

__all__ = ["PeriodicStars", "survey_from_obstable"]

# Tables whose times are starts of exposures, and whose filters they hold.
_STARTS: Final[dict[str, SurveyName]] = {"OpSim": "lsst", "ZTFObsTable": "ztf"}

try:
    _Base: Any = import_module("lightcurvelynx.models.physical_model").BandfluxModel
    _given: Any = import_module("lightcurvelynx.math_nodes.given_sampler")
except ImportError as error:
    raise InputError(
        f"LightCurveLynx cannot be used: {error}", remedy="pip install 'pelsvae-cadence[lightcurvelynx]'."
    ) from error


class PeriodicStars(_Base):  # type: ignore[misc]
    """Learned periodic variables as a LightCurveLynx model.

    Give it to ``lightcurvelynx.simulate.simulate_lightcurves``, with as many samples as there are
    stars. Fluxes are those of `pelsvae_cadence.simulation.simulate`: barycentric phases, colours, extinction;
    the noise is LightCurveLynx's own.

    Parameters
    ----------
    stars : Stars
        The stars; one sample each, in their order. Position and parameters are theirs.
    model : LightCurveModel, optional
        The source model; the default one if not given.
    seed : int
        Seed of shapes that the stars do not carry.
    survey : {"lsst", "ztf"}
        Whose filters the plain names g, r, i mean.
    half_exposure : float
        Added to the times that LightCurveLynx gives, in days: its OpSim tables hold starts of
        exposures. The default is half of 30 s.
    **options
        Further keywords of LightCurveLynx's ``BandfluxModel``, e.g. ``node_label``.

    Examples
    --------
    >>> lynx = PeriodicStars(stars, seed=1)  # doctest: +SKIP
    >>> simulate_lightcurves(lynx, len(stars), survey_info)  # doctest: +SKIP
    """

    def __init__(
        self,
        stars: Stars,
        *,
        model: LightCurveModel | None = None,
        seed: int = 0,
        survey: SurveyName = "lsst",
        half_exposure: float = 15.0 / 86400.0,
        **options: Any,
    ) -> None:
        if model is None:
            from pelsvae_cadence.model.source import LightCurveModel

            model = LightCurveModel.load()
        self.stars = stars
        self._curve = model.phase_curve(stars, seed=seed)
        self._seed, self._survey, self._shift = seed, survey, half_exposure
        table = {
            "row": np.arange(len(stars)),
            "ra": stars.ra,
            "dec": stars.dec,
            "t0": stars.epoch - MJD_ZERO,
            "period": stars.period,
        }
        node = {name: _given.GivenValueList(values, stateful=False) for name, values in table.items()}
        super().__init__(ra=node["ra"], dec=node["dec"], t0=node["t0"], **options)
        self.add_parameter("row", node["row"], description="The star's row in the table.")
        self.add_parameter("period", node["period"], description="The period in days.")

    def compute_bandflux(self, times: npt.ArrayLike, filter: str, state: Any) -> npt.NDArray[np.float64]:
        """Give the noise-free fluxes of one star in one filter.

        Parameters
        ----------
        times : array_like, shape (n,)
            Times of LightCurveLynx, MJD (TAI), in days.
        filter : str
            Filter name.
        state : lightcurvelynx.graph_state.GraphState
            The sampled parameters of one object.

        Returns
        -------
        ndarray of float64, shape (n,)
            Fluxes in nJy.
        """
        row = np.array([int(self.get_param(state, "row"))])
        mjd = np.asarray(times, dtype=np.float64) + self._shift
        order = np.argsort(mjd, kind="stable")
        n = mjd.size
        visits = Visits(
            mjd=mjd[order],
            band=parse_bands(np.full(n, filter), self._survey),
            m5=np.full(n, 24.0),
            night=np.floor(mjd[order]).astype(np.int64),
            visit_id=np.arange(n),
            exptime=np.full(n, 30.0),
        )
        points = simulate(
            self.stars.take(row), visits, seed=self._seed, curve=self._curve.take(row), noise=False
        )
        flux = np.empty(n)
        flux[order] = mag_to_flux(points.mag_true)
        return flux


def survey_from_obstable(table: Any, *, name: str = "", survey: SurveyName | None = None) -> Survey:
    """Take over a LightCurveLynx survey table.

    Parameters
    ----------
    table : lightcurvelynx.obstable.obs_table.ObsTable
        ``OpSim``, ``ZTFObsTable`` or another table with positions, times, filters and five-sigma
        depths.
    name : str
        Name of the run; by default the table's ``survey_name``.
    survey : {"lsst", "ztf"}, optional
        Whose filters and noise apply; by default that of the table's class, or told from bands and
        depths.

    Returns
    -------
    Survey
        All pointings. Times of ``OpSim`` and ``ZTFObsTable`` are starts of exposures; those of
        other tables are taken as they are.

    Raises
    ------
    InputError
        If the table has no five-sigma depths (``maglim``) or another column is missing.
    """
    columns = set(table.columns)
    needed = ("ra", "dec", "time", "filter", "maglim")
    missing = [column for column in needed if column not in columns]
    if missing:
        raise InputError(
            f"the LightCurveLynx table has no column {missing[0]!r} (its columns: "
            f"{', '.join(sorted(columns))})",
            allowed="tables with " + ", ".join(needed),
        )
    kind = type(table).__name__
    if survey is None and kind in _STARTS:
        survey = _STARTS[kind]
    frame: dict[str, Any] = {
        "fieldRA": table["ra"],
        "fieldDec": table["dec"],
        "band": table["filter"],
        "fiveSigmaDepth": table["maglim"],
        ("observationStartMJD" if kind in _STARTS else "mjd"): table["time"],
    }
    for ours, theirs in (
        ("visitExposureTime", "exptime"),
        ("airmass", "airmass"),
        ("seeingFwhmEff", "seeing"),
        ("rotSkyPos", "rotation"),
        ("observationId", "observationId"),
        ("night", "night"),
    ):
        if theirs in columns:
            frame[ours] = table[theirs]
    label = name or str(table.survey_values.get("survey_name", kind))
    taken = survey_from_frame(
        {key: np.asarray(value) for key, value in frame.items()}, survey=survey, name=label
    )
    return replace(taken, name=label)
