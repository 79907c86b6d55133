"""A population of binaries: masses, radii, temperatures and orbits that obey Kepler and Roche.

Light curves of these systems are in `binaries`. Shares and spreads are engineering choices, aimed
at the variety of the OGLE binaries and not at their true frequencies; radii, temperatures,
periods and separations of each system are tied by physics.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import SUBTYPES
from pelsvae_cadence.core.arrays import FloatArray, StructOfArrays, column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.training.binaries.stellar_models import (
    TEFF_SUN,
    kepler_period,
    kepler_separation,
    main_sequence,
    red_giant,
    roche_radius,
)

__all__ = ["FAMILIES", "BinarySystems", "sample_systems"]

#: Family -> (class, share within the class).
FAMILIES: Final = {
    "detached": ("ECL", 0.40),
    "semidetached": ("ECL", 0.20),
    "near-contact": ("ECL", 0.10),
    "contact": ("ECL", 0.20),
    "giant-eclipsing": ("ECL", 0.10),
    "giant-ellipsoidal": ("ELL", 0.78),
    "dwarf-ellipsoidal": ("ELL", 0.22),
}


@dataclass(frozen=True, kw_only=True)
class BinarySystems(StructOfArrays):
    """Physical parameters of N binaries (struct of arrays).

    Parameters
    ----------
    number : ndarray of int64, shape (N,)
        Number of the system within its class: 100,000 times the position of its family in
        `FAMILIES`, plus the number of its draw within the family.
    family : ndarray of str, shape (N,)
        One of `FAMILIES`.
    period : ndarray of float64, shape (N,)
        Orbital period [d].
    mass_1, mass_ratio : ndarray of float64, shape (N,)
        Mass of the first star [solar masses], and M_2 / M_1.
    radius_1, radius_2 : ndarray of float64, shape (N,)
        Volume-equivalent radii [solar radii].
    teff_1, teff_2 : ndarray of float64, shape (N,)
        Effective temperatures [K].
    inclination : ndarray of float64, shape (N,)
        Inclination of the orbit [deg].
    eccentricity, periastron : ndarray of float64, shape (N,)
        Eccentricity, and argument of periastron [deg].
    fillout : ndarray of float64, shape (N,)
        Fillout factor of a contact binary, 0 to 1; NaN for all others.
    """

    number: npt.NDArray[np.int64]
    family: npt.NDArray[np.str_]
    period: FloatArray
    mass_1: FloatArray
    mass_ratio: FloatArray
    radius_1: FloatArray
    radius_2: FloatArray
    teff_1: FloatArray
    teff_2: FloatArray
    inclination: FloatArray
    eccentricity: FloatArray
    periastron: FloatArray
    fillout: FloatArray

    def __post_init__(self) -> None:
        n = np.asarray(self.number).size
        for field in fields(self):
            kind: Any = {"number": np.int64, "family": np.str_}.get(field.name, np.float64)
            value = getattr(self, field.name)
            finite = field.name != "fillout"
            object.__setattr__(self, field.name, column(field.name, value, n, kind, finite=finite))

    @property
    def separation(self) -> FloatArray:
        """Semi-major axes [solar radii], from Kepler's third law."""
        return kepler_separation(self.period, self.mass_1 * (1.0 + self.mass_ratio))

    @property
    def spherical(self) -> npt.NDArray[np.bool_]:
        """Whether spheres with a first-order tide describe the stars.

        Both radii below 0.28 of the separation, or 0.20 where the tide is all there is to see.
        """
        largest = np.maximum(self.radius_1, self.radius_2) / self.separation
        tide_only = np.char.endswith(self.family, "-ellipsoidal")
        return np.asarray(largest < np.where(tide_only, 0.20, 0.28))

    def fingerprint(self, row: int) -> list[float]:
        """Give the numbers that fix the light curve of one system.

        Parameters
        ----------
        row : int
            Index of the system.

        Returns
        -------
        list of float
            Period, mass ratio, radii over separation, temperatures, inclination and fillout (-1 if
            not in contact), rounded to six significant digits.
        """
        a = float(self.separation[row])
        values = (
            self.period[row],
            self.mass_ratio[row],
            self.radius_1[row] / a,
            self.radius_2[row] / a,
            self.teff_1[row],
            self.teff_2[row],
            self.inclination[row],
            np.nan_to_num(self.fillout[row], nan=-1.0),
        )
        return [float(f"{v:.6g}") for v in values]


def _candidates(family: str, number: npt.NDArray[np.int64], random: KeyedRandom) -> BinarySystems:
    """Draw one system of a family for each number, eclipsing or not."""

    def u(name: str, low: float = 0.0, high: float = 1.0) -> FloatArray:
        return low + (high - low) * random.uniform(f"binary:{family}:{name}", number)

    def normal(name: str) -> FloatArray:
        return random.normal(f"binary:{family}:{name}", number)

    n = number.size
    ecc, per0, fillout = np.zeros(n), u("periastron", 0.0, 360.0), np.full(n, np.nan)
    inclination = np.degrees(np.arccos(u("cos-inclination")))
    # A fifth of the dwarfs are massive: the Magellanic binaries of OGLE are B stars.
    solar = 10.0 ** u("mass-solar", np.log10(0.7), np.log10(2.8))
    massive = 10.0 ** u("mass-massive", np.log10(2.8), np.log10(14.0))
    mass = np.where(u("massive") < 0.45, massive, solar)
    q = u("mass-ratio", 0.25, 1.0)
    # Main-sequence stars expand by up to 2.2 from zero age; the lighter star lags behind.
    age = u("age") ** 1.3
    _, r1, t1 = main_sequence(mass)
    _, r2, t2 = main_sequence(np.maximum(mass * q, 0.18))
    grow_1, grow_2 = 0.85 + 1.1 * age, 0.85 + 1.1 * age * q**2.5
    r1, r2 = r1 * grow_1, r2 * grow_2
    # Evolution at roughly constant luminosity gain: cooler by half of the growth in log.
    t1, t2 = t1 * grow_1**-0.25, t2 * grow_2**-0.25

    if family == "detached":
        period = 10.0 ** (0.27 + 0.36 * normal("log-period"))
        wide = period > 2.5
        ecc = np.where(wide, np.minimum(0.6, 0.25 * np.abs(normal("eccentricity"))), 0.0)
        ecc = np.where(u("circular") < 0.35, 0.0, ecc)
        # Tides have made the orbits of large stars circular (Zahn 1977, A&A 57, 383).
        largest = np.maximum(r1, r2) / kepler_separation(period, mass * (1.0 + q))
        ecc = np.where(largest > 0.2, 0.0, ecc)
    elif family == "semidetached":
        # Algols after mass transfer: the cool star fills its lobe and sets the scale.
        mass = np.where(u("massive") < 0.6, u("mass-hot", 3.0, 9.0), u("mass-cool", 1.6, 3.0))
        q = u("mass-ratio", 0.15, 0.55)
        period = 10.0 ** (0.45 + 0.30 * normal("log-period"))
        _, r1, t1 = main_sequence(mass)
        r1 = r1 * (0.9 + 0.8 * age)
        a = kepler_separation(period, mass * (1.0 + q))
        r2 = 0.985 * roche_radius(q) * a
        t2 = np.clip(t1 * u("temperature-ratio", 0.35, 0.80), 3800.0, 16000.0)
    elif family == "near-contact":
        # Both stars near their lobes; the period follows from the size of the first.
        q = u("mass-ratio", 0.35, 1.0)
        fill_1, fill_2 = u("fill-1", 0.80, 0.98), u("fill-2", 0.75, 0.98)
        a = r1 / (fill_1 * roche_radius(1.0 / q))
        period = kepler_period(a, mass * (1.0 + q))
        r2 = fill_2 * roche_radius(q) * a
        t2 = np.clip(t1 * u("temperature-ratio", 0.55, 1.0), 3600.0, 30000.0)
    elif family == "contact":
        # W UMa stars: masses from the period (Gazeas & Stepien 2008, AcA 58, 193, eqs 1-2),
        # common temperature because the secondary shares the primary's luminosity.
        period = 10.0 ** (-0.43 + 0.11 * normal("log-period"))
        mass = 10.0 ** (0.755 * np.log10(period) + 0.416)
        q = np.clip(10.0 ** (0.352 * np.log10(period) - 0.262) / mass, 0.08, 1.0)
        q = np.clip(q * 10.0 ** (0.12 * normal("mass-ratio-scatter")), 0.08, 1.0)
        # One in six is an early-type contact binary as in the Magellanic Clouds.
        early = u("early") < 1 / 6
        mass = np.where(early, 10.0 ** u("mass-early", 0.6, 1.15), mass)
        q = np.where(early, u("mass-ratio-early", 0.4, 1.0), q)
        fillout = 0.08 + 0.72 * u("fillout") ** 1.5
        fill = 1.0 + 0.22 * fillout
        luminosity_1, radius_ms, _ = main_sequence(np.maximum(mass, 0.2))
        luminosity_2, _, _ = main_sequence(np.maximum(mass * q, 0.18))
        a_early = 1.15 * radius_ms / (fill * roche_radius(1.0 / q))
        p_early = kepler_period(a_early, mass * (1.0 + q))
        period = np.where(early, p_early, period)
        a = kepler_separation(period, mass * (1.0 + q))
        r1, r2 = fill * roche_radius(1.0 / q) * a, fill * roche_radius(q) * a
        t1 = TEFF_SUN * ((luminosity_1 + luminosity_2) / (r1**2 + r2**2)) ** 0.25
        t1 = np.clip(t1 * (1.0 + 0.02 * normal("temperature")), 3800.0, 32000.0)
        t2 = t1 * (1.0 + 0.035 * normal("temperature-ratio"))
    elif family in ("giant-eclipsing", "giant-ellipsoidal"):
        eclipsing = family == "giant-eclipsing"
        log_l = u("log-luminosity", 0.9, 2.7) if eclipsing else u("log-luminosity", 0.9, 3.25)
        mass = u("mass", 0.9, 2.5)
        r1, t1 = red_giant(log_l, 0.012 * normal("giant-branch"))
        q = u("mass-ratio", 0.3, 1.0)
        fill = u("fill", 0.35, 0.97) if eclipsing else u("fill", 0.62, 0.985)
        a = r1 / (fill * roche_radius(1.0 / q))
        period = kepler_period(a, mass * (1.0 + q))
        # The companion: a fainter giant or subgiant in the eclipsing pairs (a dwarf would hide
        # nothing), a dwarf in the others.
        _, r2, t2 = main_sequence(np.maximum(mass * q, 0.18))
        if eclipsing:
            second_l = log_l - u("second-luminosity", 0.0, 1.2)
            r2, t2 = red_giant(second_l, 0.012 * normal("giant-branch-2"))
        # Around the giants of an old population the dwarfs are cooler than 7,500 K.
        t2 = np.minimum(t2, 9500.0)
    elif family == "dwarf-ellipsoidal":
        mass = np.where(u("massive") < 0.3, massive, solar)
        fill = u("fill", 0.60, 0.97)
        a = r1 / (fill * roche_radius(1.0 / q))
        period = kepler_period(a, mass * (1.0 + q))
    else:
        raise InputError(f"unknown family {family!r}", allowed=", ".join(FAMILIES))
    return BinarySystems(
        number=number,
        family=np.full(n, family),
        period=period,
        mass_1=mass,
        mass_ratio=q,
        radius_1=r1,
        radius_2=r2,
        teff_1=np.clip(t1, 3300.0, 40000.0),
        teff_2=np.clip(t2, 3300.0, 40000.0),
        inclination=inclination,
        eccentricity=ecc,
        periastron=per0,
        fillout=fillout,
    )


def _possible(systems: BinarySystems) -> npt.NDArray[np.bool_]:
    """Tell which systems can exist, eclipse (ECL) or do not (ELL), and are wide enough to draw."""
    a = systems.separation
    r1, r2 = systems.radius_1 / a, systems.radius_2 / a
    q = systems.mass_ratio
    at_periastron = 1.0 - systems.eccentricity
    contact = np.isfinite(systems.fillout)
    inside = (r1 < 0.99 * roche_radius(1.0 / q) * at_periastron) & (
        r2 < 0.99 * roche_radius(q) * at_periastron
    )
    cos_i = np.cos(np.radians(systems.inclination))
    # Distance of the discs' centres at conjunction, in units of the sum of the radii.
    graze = cos_i * at_periastron * (1.0 + systems.eccentricity) / (r1 + r2)
    eclipsing = graze < 0.97
    binary_class = np.array([FAMILIES[f][0] for f in systems.family.tolist()])
    wanted = np.where(binary_class == "ECL", eclipsing, graze > 1.02)
    # Narrower eclipses than these cannot be written with the harmonics we store.
    drawable = (r1 + r2 > 0.15) | (binary_class == "ELL")
    # Contact systems seen at low inclination vary too, but are rarely recognised as eclipsing.
    contact_ok = systems.inclination > 35.0
    period_ok = (systems.period > 0.18) & (systems.period < 1000.0)
    return np.asarray(np.where(contact, contact_ok, inside & wanted & drawable) & period_ok)


def sample_systems(binary_class: str, n: int, *, seed: int) -> BinarySystems:
    """Draw binaries of a class.

    Parameters
    ----------
    binary_class : {"ECL", "ELL"}
        Eclipsing, or ellipsoidal without eclipses.
    n : int
        Number of systems.
    seed : int
        Seed; a system depends on (seed, family, number of its draw) only.

    Returns
    -------
    BinarySystems
        ``n`` systems in mixed order, so that any first part of them is a fair sample.

    Raises
    ------
    InputError
        If the class is not a binary class.
    """
    if binary_class not in ("ECL", "ELL"):
        raise InputError(f"{binary_class!r} is no class of binaries", allowed=str(SUBTYPES.keys()))
    random = KeyedRandom(seed=seed)
    chosen: list[BinarySystems] = []
    order: list[FloatArray] = []
    for family, (owner, share) in FAMILIES.items():
        if owner != binary_class:
            continue
        wanted = round(share * n)
        tries = 64
        while True:
            batch = _candidates(family, np.arange(tries, dtype=np.int64), random)
            good = np.flatnonzero(_possible(batch))
            if good.size >= wanted:
                break
            tries *= 2
        part = batch.take(good[:wanted])
        chosen.append(replace(part, number=part.number + 100_000 * list(FAMILIES).index(family)))
        order.append((np.arange(wanted) + 0.5) / max(wanted, 1))
    return BinarySystems.concatenate(chosen).take(np.argsort(np.concatenate(order), kind="stable"))
