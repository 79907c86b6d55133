"""Figures of merit of the open training set."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.real_data import data_folder
from pelsvae_cadence.training.archives.ogle3 import clean_catalogue, read_ogle3
from pelsvae_cadence.training.archives.splits import SPLITS, is_reserved
from pelsvae_cadence.training.binaries.real import EclipseMeasures, measure_real_binaries, observe_like
from pelsvae_cadence.training.binaries.simulated import N_SYSTEMS
from pelsvae_cadence.training.binaries.spheres import read_orbits
from pelsvae_cadence.training.binaries.systems import FAMILIES, sample_systems
from pelsvae_cadence.training.labels.catalogue import fit_catalogue_relations
from pelsvae_cadence.training.labels.physical import E_VI, LabelFlag, teff_from_v_i
from pelsvae_cadence.training.open_set.curves import augmentation_counts
from pelsvae_cadence.training.open_set.table import PROVENANCES, OpenSet, load_open_set, read_card
from pelsvae_cadence.validate.report import Figure, Report

__all__ = ["PARTS", "compare_with_real_binaries", "dataset_report"]

#: Parts of the report.
PARTS: Final = ("rows", "card", "labels", "binaries", "phoebe")
_REFERENCE: Final = Path(__file__).with_name("phoebe_reference.jsonl")

#: (subtype, quantity) -> value and tolerance that the relations of the full LMC catalogue must
#: meet. RR Lyrae: W_I = -0.57 - 2.95 (log P + 0.25), scatter 0.11. Cepheids: Soszynski et al. 2015
#: (AcA 65, 297) with the LMC at 18.477, W_I(log P = 0.5) = -4.246 - 3.314 (log P - 0.5) for F and
#: W_I(0.3) = -4.113 - 3.431 (log P - 0.3) for 1O.
_WESENHEIT: Final = (
    (("RRLYR", "RRab"), "zero", -0.57, 0.02),
    (("RRLYR", "RRab"), "slope", -2.95, 0.05),
    (("RRLYR", "RRab"), "scatter", 0.11, 0.01),
    (("CEP", "F"), "zero", -4.246, 0.03),
    (("CEP", "F"), "slope", -3.314, 0.06),
    (("CEP", "1O"), "zero", -4.113, 0.03),
    (("CEP", "1O"), "slope", -3.431, 0.06),
)


def _row_figures(table: OpenSet) -> Iterator[Figure]:
    for name in STAR_CLASSES:
        mine = table.star_class == name
        parts = ", ".join(
            f"{p} {int((mine & (table.provenance == p)).sum())}"
            for p in PROVENANCES
            if (mine & (table.provenance == p)).any()
        )
        yield Figure.within(f"{name}: independent stars", float(mine.sum()), low=50, note=parts)
    for name, row in augmentation_counts(table).iterrows():
        yield Figure.within(
            f"{name}: training rows after augmentation",
            float(row["training_rows"]),
            low=2000,
            note=f"{row['train']} independent training stars",
        )
    yield Figure.within("reserved stars in the table", float(is_reserved(table.star).sum()), low=0, high=0)
    shares = [
        float((table.split[table.star_class == c] == s).mean() - target)
        for c in STAR_CLASSES
        for s, target in zip(SPLITS, (0.6, 0.2, 0.2), strict=True)
        if (table.star_class == c).any()
    ]
    # Strata are class and subtype: at most three in a class, each exact to a star.
    smallest = min(int((table.star_class == c).sum()) for c in STAR_CLASSES)
    yield Figure.within(
        "largest departure from 60/20/20 in a class",
        max(abs(s) for s in shares),
        high=3.0 / max(smallest, 1),
        note="stratified by class and subtype",
    )
    size = np.ptp(table.curve.evaluate(np.arange(1024) / 1024), axis=1)
    yield Figure.within(
        "largest departure of a shape from unit amplitude", float(np.abs(size - 1.0).max()), high=1e-3
    )


def _card_figures(card: dict[str, Any]) -> Iterator[Figure]:
    reasons = {k: v for k, v in card["catalogue_rejected"].items() if "not used" not in k}
    yield Figure.within(
        "malformed catalogue rows rejected",
        float(sum(reasons.values())),
        note="; ".join(f"{v} {k}" for k, v in reasons.items()),
    )
    yield Figure.within(
        "LPV: real light curves behind the shapes",
        float(card["mira_shapes"]["used"]),
        note="each Mira has the shape of one of these, of its own split",
    )
    for name, title in (
        ("observed_binaries", "ECL: OGLE-II binaries used"),
        ("hipparcos", "Hipparcos stars used"),
    ):
        yield Figure.within(
            title,
            float(card[name]["used"]),
            note="; ".join(f"{v} {k}" for k, v in card[name]["rejected"].items()),
        )
    for kind, held in card["completion_held_out"].items():
        yield Figure.within(
            f"{kind}: residual of completed over three-harmonic shapes, held-out stars",
            held["drawn"]
            / held[
                "three"
            ],  # Overtone pulsators are described by three harmonics: completion must do no harm.
            high=1.05 if kind in ("RRc", "CEP 1O") else 0.6,
            note=f"{held['stars']:.0f} stars; residual / amplitude: three {held['three']:.4f}, "
            f"mean {held['mean']:.4f}, drawn {held['drawn']:.4f}, own fit {held['own']:.4f}",
        )
    for name, counts in card["binaries"].items():
        yield Figure.within(
            f"{name}: what 64 harmonics leave out, 95 % of the systems",
            counts["truncation_95"],
            high=0.01,
            unit="amplitude",
            note=f"median {counts['truncation_50']:.5f}",
        )


def _label_figures(table: OpenSet) -> Iterator[Figure]:
    stars = clean_catalogue(read_ogle3()).table
    relations = fit_catalogue_relations(stars)
    for key, quantity, value, tolerance in _WESENHEIT:
        line = relations.abs_wesenheit[key]
        yield Figure.within(
            f"LMC W_I of {' '.join(key)}: {quantity}",
            getattr(line, quantity),
            low=value - tolerance,
            high=value + tolerance,
            unit="mag" if quantity != "slope" else "mag/dex",
            note=f"{line.n} stars",
        )
    rr = stars[(stars.star_class == "RRLYR") & stars.galaxy.isin(["LMC", "SMC"])]
    rr = rr[rr.v_mag.notna()]
    own = (rr.v_mag - rr.i_mag - rr.galaxy.map(E_VI)).to_numpy()
    teff = teff_from_v_i(np.clip(own, -0.38, 2.7))
    yield Figure.within(
        "Magellanic RR Lyrae with V: Teff in 5900-7500 K",
        float(((teff > 5900) & (teff < 7500)).mean()),
        low=0.88,
        high=1.0,
        note=f"{teff.size} stars, measured colours, blends included",
    )
    for galaxy in ("LMC", "SMC", "BLG"):
        mine = (table.subtype == "RRab") & (table.galaxy == galaxy)
        line = relations.abs_mag_i["RRLYR", "RRab"]
        off = table.abs_mag_i[mine] - line(np.log10(table.period[mine]))
        yield Figure.within(
            f"{galaxy} RRab: M_I minus the LMC relation, median",
            float(np.median(off)),
            unit="mag",
            note=(
                f"standard deviation {np.std(off):.2f}; median [Fe/H] "
                f"{np.nanmedian(table.feh[mine]):.2f} (Jurcsik 1995 scale)"
            ),
        )


def compare_with_real_binaries(
    table: OpenSet, folder: Path, *, seed: int
) -> tuple[EclipseMeasures, EclipseMeasures]:
    """Measure real and simulated eclipsing binaries in the same way.

    Parameters
    ----------
    table : OpenSet
        The training set.
    folder : path
        The folder ``lightcurves``.
    seed : int
        Seed of the simulated noise.

    Returns
    -------
    real, simulated : EclipseMeasures
        OGLE-II stars, and simulated ones observed like them.
    """
    real, _, _, light_curves, period, _ = measure_real_binaries(folder)
    rows = np.flatnonzero((table.star_class == "ECL") & (table.provenance == "simulated"))
    simulated = observe_like(table.curve.take(rows), table.amplitude_i[rows], light_curves, period, seed=seed)
    return real, simulated


def _binary_figures(table: OpenSet, seed: int) -> Iterator[Figure]:
    from scipy.stats import ks_2samp

    real, simulated = compare_with_real_binaries(table, data_folder() / "lightcurves", seed=seed)
    for name in ("amplitude", "depth_ratio", "width"):
        a, b = getattr(real, name), getattr(simulated, name)
        quantiles = [np.percentile(x, [16, 50, 84]) for x in (a, b)]
        yield Figure.within(
            f"ECL {name.replace('_', ' ')}: distance of the real and simulated distributions",
            float(ks_2samp(a, b).statistic),
            high=0.2,
            unit="Kolmogorov-Smirnov",
            note=(
                f"16/50/84 %: OGLE-II {', '.join(f'{q:.3f}' for q in quantiles[0])} "
                f"({len(real)}); simulated {', '.join(f'{q:.3f}' for q in quantiles[1])} "
                f"({len(simulated)})"
            ),
        )


def _compare_with_phoebe(most: int | None = None) -> dict[str, FloatArray]:
    """Compare our Roche light curves with full PHOEBE runs kept in the repository."""
    from pelsvae_cadence.training.binaries.roche_orbits import roche_orbit

    seed = int(read_card()["seed"])
    found: dict[str, list[tuple[float, float]]] = {}
    for binary_class in ("ECL", "ELL"):
        systems = sample_systems(binary_class, N_SYSTEMS[binary_class], seed=seed)
        for row, (phase, flux) in read_orbits(_REFERENCE, systems).items():
            family = str(systems.family[row])
            values = found.setdefault(family, [])
            if most is not None and len(values) >= most:
                continue
            own_phase, own_flux = roche_orbit(systems, row)
            mag = -2.5 * np.log10(flux)
            own = np.interp(phase, own_phase, -2.5 * np.log10(own_flux))
            values.append((float(np.std(mag - own)), float(np.ptp(mag))))
    if not found:
        raise InputError(f"no PHOEBE run in {_REFERENCE.name} fits the systems of seed {seed}")
    return {family: np.array(found[family]) for family in FAMILIES if family in found}


def _phoebe_figures() -> Iterator[Figure]:
    for family, values in _compare_with_phoebe().items():
        yield Figure.within(
            f"{family}: difference from full PHOEBE runs, median",
            1000.0 * float(np.median(values[:, 0])),
            high=5.0,
            unit="mmag rms",
            note=f"{len(values)} systems, median amplitude {np.median(values[:, 1]):.3f} mag",
        )


def dataset_report(seed: int = 0, *, parts: Sequence[str] = PARTS) -> Report:
    """Check the committed training set.

    Parameters
    ----------
    seed : int
        Seed of the noise in the comparison with the OGLE-II binaries.
    parts : sequence of str
        What to check, out of `PARTS`: ``labels`` needs the ``train`` extra, ``binaries`` the real
        light curves, ``phoebe`` PHOEBE.

    Returns
    -------
    Report
        The figures.

    Raises
    ------
    InputError
        If a part is unknown.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise InputError(f"unknown parts {unknown}", allowed=", ".join(PARTS))
    table, card = load_open_set(), read_card()
    made: dict[str, Callable[[], Iterator[Figure]]] = {
        "rows": lambda: _row_figures(table),
        "card": lambda: _card_figures(card),
        "labels": lambda: _label_figures(table),
        "binaries": lambda: _binary_figures(table, seed),
        "phoebe": _phoebe_figures,
    }
    figures = tuple(figure for part in parts for figure in made[part]())
    flags = {
        name: {
            flag.name: int(((table.flags[table.star_class == name] & flag) > 0).sum()) for flag in LabelFlag
        }
        for name in STAR_CLASSES
    }
    return Report(
        topic="dataset",
        data=f"open training set, {len(table)} stars, sha256 {card['sha256'][:12]}",
        seed=seed,
        figures=figures,
        extra={"label_flags": flags, "card": json.loads(json.dumps(card))},
    )
