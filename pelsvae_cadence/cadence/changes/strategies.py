"""Named observing strategies of the synthetic survey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pelsvae_cadence.cadence.synthetic.presets import LSST_V3, over_positions
from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.core.errors import InputError, did_you_mean

__all__ = ["STRATEGIES", "Strategy", "strategy"]


def _with_u(factor: float) -> dict[str, float]:
    """More visits in u, paid for by the other bands in proportion."""
    usual = {band: over_positions(LSST_V3.visits_per_band[band], 0.5) for band in LSST_V3.bands}
    total, u = sum(usual.values()), usual["u"]
    rest = (total - factor * u) / (total - u)
    return {band: n * (factor if band == "u" else rest) for band, n in usual.items()}


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """A named strategy.

    Parameters
    ----------
    name : str
        Its name.
    description : str
        What it changes and what it keeps.
    knobs : mapping
        The arguments of `SyntheticSurvey` that make it.
    """

    name: str
    description: str
    knobs: Mapping[str, Any]


#: The strategies by name.
STRATEGIES: Final[dict[str, Strategy]] = {
    item.name: item
    for item in (
        Strategy(name="baseline", description="statistics of Rubin OpSim baseline v3.0, ten years", knobs={}),
        Strategy(
            name="baseline-v5",
            description="v3.0 with 29 s exposures (38 s in u) and a tenth fewer visits",
            knobs={"preset": "lsst-v5"},
        ),
        Strategy(
            name="no-rolling",
            description="the same number of visits in every season, everywhere",
            knobs={"rolling_strength": 0.0},
        ),
        Strategy(
            name="strong-rolling",
            description="half as much again contrast between favoured and other stripes",
            knobs={"rolling_strength": 1.5},
        ),
        Strategy(
            name="no-pairs",
            description="single visits on more nights; the number of visits stays",
            knobs={"pairing": 0.0},
        ),
        Strategy(
            name="more-u",
            description="twice the visits in u, taken from the other bands in proportion",
            knobs={"visits_per_band": _with_u(2.0)},
        ),
        Strategy(
            name="short-seasons",
            description="seasons of 70 % of the length; the number of visits stays",
            knobs={"season_length": 0.7},
        ),
        Strategy(name="first-year", description="the first year only", knobs={"years": 1.0}),
        Strategy(name="ztf", description="ZTF pointings of 2018 to 2022", knobs={"preset": "ztf"}),
    )
}


def strategy(name: str, *, seed: int = 0, **knobs: Any) -> SyntheticSurvey:
    """Make a synthetic survey of the library.

    Parameters
    ----------
    name : str
        One of `STRATEGIES`; underscores count as hyphens.
    seed : int
        Seed of the synthetic survey. Strategies of one seed share weather and draws.
    **knobs
        Further arguments of `SyntheticSurvey`; they win over the strategy's own.

    Returns
    -------
    SyntheticSurvey
        The survey.

    Raises
    ------
    InputError
        If there is no such strategy or knob, or a knob is out of range.

    Examples
    --------
    >>> strategy("strong-rolling", seed=3).name
    'synthetic lsst-v3 (seed 3, rolling strength 1.5)'
    """
    key = name.strip().lower().replace("_", "-")
    if key not in STRATEGIES:
        raise InputError(
            f"unknown strategy {name!r}", allowed=", ".join(STRATEGIES), remedy=did_you_mean(key, STRATEGIES)
        )
    allowed = [item for item in SyntheticSurvey.__dataclass_fields__ if item != "seed"]
    for knob in knobs:
        if knob not in allowed:
            raise InputError(
                f"{name} has no knob {knob!r}", allowed=", ".join(allowed), remedy=did_you_mean(knob, allowed)
            )
    return SyntheticSurvey(seed=seed, **{**STRATEGIES[key].knobs, **knobs})
