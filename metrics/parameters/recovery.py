"""MAF metric of parameters: how well distances, temperatures and periods of stars will be known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast

import numpy.typing as npt
from typing_extensions import Unpack, override

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.containers import number
from pelsvae_cadence.metrics.parameters.errors import ACCURACY, PARAMETERS, Parameter, parameter_errors
from pelsvae_cadence.metrics.position.methods import METHOD_WORDS, Method
from pelsvae_cadence.metrics.position.metric import PositionMetric
from pelsvae_cadence.metrics.position.observe import Recovery
from pelsvae_cadence.metrics.position.options import PeriodRecoveryKeywords, RecoveryKeywords, RecoveryOptions
from pelsvae_cadence.metrics.position.recovery import recover

__all__ = [
    "PARAMETER_VALUES",
    "AllParameterKeywords",
    "ParameterKeywords",
    "ParameterOptions",
    "ParameterRecoveryMetric",
]

_UNITS: Final[dict[Parameter, str]] = {"distance": " [mag]", "temperature": " [K]", "period": ""}
_WORDS: Final[dict[Parameter, str]] = {
    "distance": "distance modulus",
    "temperature": "effective temperature",
    "period": "period",
}
_RELATIVE: Final[dict[Parameter, str]] = {
    "distance": "",
    "temperature": "",
    "period": " as a fraction of the period",
}


def _values() -> dict[str, str]:
    values: dict[str, str] = {}
    for name in PARAMETERS:
        what, unit, share = _WORDS[name], _UNITS[name], _RELATIVE[name]
        values |= {
            f"{name}_good": f"fraction of stars with a {what} good to the accuracy asked for",
            f"{name}_known": f"fraction of stars with a {what}",
            f"{name}_width": f"median half-width of the 68 per cent intervals of the {what}{share}{unit}",
            f"{name}_bias": f"median error of the {what}{share}{unit}",
            f"{name}_coverage": f"fraction of the 68 per cent intervals that hold the true {what}",
        }
    return {**values, "n_visits": "median number of visits used per star"}


#: The values behind the reduce methods, with captions and units.
PARAMETER_VALUES: Final[dict[str, str]] = _values()


class ParameterKeywords(RecoveryKeywords, total=False):
    """Keywords of readings of parameters, without class and magnitude: see `ParameterOptions`."""

    dust_map: bool
    distance_accuracy: float
    temperature_accuracy: float
    period_accuracy: float


class AllParameterKeywords(ParameterKeywords, PeriodRecoveryKeywords, total=False):
    """All keywords of readings of parameters: see `ParameterOptions`."""


@dataclass(frozen=True, kw_only=True)
class ParameterOptions(RecoveryOptions):
    """Which stars are observed at a slice point, and how well their parameters should be known.

    Parameters
    ----------
    dust_map : bool
        Whether the reading knows the E(B-V) in front of each star with an error of 16 per cent, as from a map
        (Schlegel, Finkbeiner & Davis 1998, ApJ 500, 525); otherwise dust is only known to be little.
    distance_accuracy : float
        Error of the distance modulus in mag up to which it is good; 0.1 are 5 per cent of the distance.
    temperature_accuracy : float
        Error of the effective temperature in K.
    period_accuracy : float
        Error of the period as a fraction of it.

    Raises
    ------
    InputError
        If a value is out of range, or the method is not "learned", which alone tells parameters.

    See Also
    --------
    pelsvae_cadence.metrics.position.options.RecoveryOptions : The stars, and how their periods are found.
    """

    method: Method = "learned"
    dust_map: bool = True
    distance_accuracy: float = ACCURACY["distance"]
    temperature_accuracy: float = ACCURACY["temperature"]
    period_accuracy: float = ACCURACY["period"]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.method != "learned":
            raise InputError(
                f"method = {self.method!r}",
                allowed="learned",
                remedy="A search finds periods only: PeriodRecoveryMetric with distances=True for moduli of known "
                "classes.",
            )
        for name, unit in (
            ("distance_accuracy", "mag"),
            ("temperature_accuracy", "K"),
            ("period_accuracy", ""),
        ):
            value = number(name, getattr(self, name), unit)
            if not value > 0.0:
                raise InputError(f"{name} = {value!r}", allowed="above 0")
            object.__setattr__(self, name, value)

    @property
    def accuracy(self) -> dict[Parameter, float]:
        """Errors up to which parameters are good."""
        return {
            "distance": self.distance_accuracy,
            "temperature": self.temperature_accuracy,
            "period": self.period_accuracy,
        }

    @property
    def all_keywords(self) -> AllParameterKeywords:
        """The options as keywords of another metric."""
        return cast("AllParameterKeywords", dict(vars(self)))


class ParameterRecoveryMetric(PositionMetric):
    """How well a survey lets us know distances, temperatures and periods of stars of a class.

    At each slice point stars of one class are drawn, observed and read with the learned model, as
    `PeriodRecoveryMetric` does it; the reading knows neither class nor period. Of each star the posterior's
    median and central 68 per cent interval of distance modulus, effective temperature and period are compared
    with the truth.

    Stars that were taken for another class, or whose period is an alias, count with what was read of them. Some
    subtypes have no period-luminosity relation in the model
    (`pelsvae_cadence.inference.physics.draws.NO_DISTANCE`): none of their stars has a good distance.

    The dictionary holds the values of `PARAMETER_VALUES`, "n_visits_all", and per star "star_id" and, for each
    of the parameters, "distance" [mag], "temperature" [K] and "period" [d] (medians), with "_low", "_high" (ends of the
    interval), "_true" and "_is_good".

    Parameters
    ----------
    metric_name : str
        Name of the metric; made from class and magnitude by default.
    on_run : callable, optional
        Called after each slice point.
    on_observed : callable, optional
        Called with the `pelsvae_cadence.metrics.position.observe.Recovery` of each slice point.
    **options
        Stars, visits and accuracy: `ParameterOptions`.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> metric = ParameterRecoveryMetric(star_class="RRab", magnitude=22.0, stars_per_position=10)
    >>> metric.name
    'ParameterRecovery RRab r22'
    """

    REDUCED: ClassVar = PARAMETER_VALUES
    options: ParameterOptions

    def __init__(
        self,
        metric_name: str | None = None,
        *,
        on_run: Callable[[], None] | None = None,
        on_observed: Callable[[Recovery], None] | None = None,
        **options: Unpack[AllParameterKeywords],
    ) -> None:
        chosen = ParameterOptions(**options)
        self.on_observed = on_observed
        name = f"ParameterRecovery {chosen.stars_label}" if metric_name is None else metric_name
        super().__init__(chosen, name, on_run=on_run)
        self.comment = (
            f"Distances, temperatures and periods of {chosen.stars_per_position} simulated {chosen.star_class} "
            f"stars per position by {METHOD_WORDS['learned']}."
        )

    @override
    def _run(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None) -> dict[str, Any] | None:
        look = self._look(data_slice, slice_point)
        if look is None:
            return None
        options = self.options
        recovery = recover(options, look, physics=True, dust_map=options.dust_map)
        if self.on_observed is not None:
            self.on_observed(recovery)
        value: dict[str, Any] = {}
        stars: dict[str, Any] = {"star_id": recovery.stars.star_id}
        for name, errors in parameter_errors(recovery, options.accuracy).items():
            value |= errors.summary(name)
            stars |= {
                name: errors.read,
                f"{name}_low": errors.low,
                f"{name}_high": errors.high,
                f"{name}_true": errors.true,
                f"{name}_is_good": errors.good,
            }
        return {**value, "n_visits": recovery.n_visits_used, "n_visits_all": look.n_visits, **stars}
