"""Evaluation report of a source model on test stars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.real_data import find_data_folder
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.model.weights import list_weights, load_weights
from pelsvae_cadence.training.evaluate.errors import median_error
from pelsvae_cadence.training.evaluate.measures.contract import dependence_on_visits
from pelsvae_cadence.training.evaluate.measures.eclipses import compare_eclipses
from pelsvae_cadence.training.evaluate.measures.latent_table import latent_table
from pelsvae_cadence.training.evaluate.measures.memory import training_distance
from pelsvae_cadence.training.evaluate.measures.reconstruction import reconstruction_error
from pelsvae_cadence.training.evaluate.measures.response import response
from pelsvae_cadence.training.evaluate.measures.samples import Drawn, choose, draw_like, nearest_in_training
from pelsvae_cadence.training.evaluate.measures.separation import separation
from pelsvae_cadence.training.evaluate.measures.speed import milliseconds, published_ratio
from pelsvae_cadence.training.evaluate.measures.trends import Trend, hertzsprung_progression, rr_lyrae_trends
from pelsvae_cadence.training.evaluate.measures.two_sample import (
    Verdict,
    real_against_real,
    two_sample_by_provenance,
    two_sample_test,
)
from pelsvae_cadence.training.open_set.table import OpenSet, load_open_set
from pelsvae_cadence.validate.report import Figure, Report

__all__ = ["PARTS", "check_parts", "model_report"]

_POINTS: Final = (20, 40, 100, 300)
_RMS_TARGETS: Final = {
    ("CEP", 20): 0.017,
    ("RRLYR", 20): 0.040,
    ("ECL", 20): 0.045,
    ("DSCT", 20): 0.13,
    ("CEP", 300): 0.006,
    ("RRLYR", 300): 0.015,
    ("ECL", 300): 0.020,
    ("T2CEP", 300): 0.004,
}
_MEAN_AUC: Final = 0.54
_AUC: Final = 0.57
# Their real stars are simulations and shapes borrowed from few stars.
_LOOSE_AUC: Final = {"ECL": 0.60, "ELL": 0.60, "LPV": 0.60}
_GIVEN: Final = ("period", "teff", "abs_mag_g")
# Fewer test stars than this decide nothing.
_FEWEST: Final = 30
_FEWEST_NEIGHBOURS: Final = 15


class _Case:
    """A model, the stars it is measured on, and what more than one part needs."""

    def __init__(self, weights: str | Path, table: OpenSet, most: int, draws: int, seed: int):
        self.weights = weights
        self.model = LightCurveModel.load(weights)
        self.table = table
        self.most = most
        self.seed = seed
        self.draws = draws
        self._drawn: dict[tuple[str, tuple[str, ...]], list[Drawn]] = {}

    def rows(self, star_class: str, split: str = "test") -> OpenSet:
        return choose(self.table, star_class, split, self.most)

    def tested(self, fewest: int) -> Iterator[tuple[str, OpenSet]]:
        """List the classes of the model that have enough test stars, with these."""
        for name in self.model.classes:
            test = self.rows(name)
            if len(test) >= fewest:
                yield name, test

    def train(self, star_class: str) -> OpenSet:
        return self.table.take((self.table.star_class == star_class) & (self.table.split == "train"))

    def drawn(self, star_class: str, given: tuple[str, ...] = ("period",)) -> list[Drawn]:
        """Draw stars like the test stars of a class, several times over."""
        key = star_class, given
        if key not in self._drawn:
            rows, seeds = self.rows(star_class), range(self.seed, self.seed + self.draws)
            self._drawn[key] = [draw_like(self.model, rows, given, seed=seed) for seed in seeds]
        return self._drawn[key]


def _contract(case: _Case, extra: dict[str, Any]) -> Iterator[Figure]:
    names = list_weights()
    named = [*names] if str(case.weights) in (*names, "default") else [case.weights, *names]
    for name in named:
        model = LightCurveModel.load(name)
        yield Figure.within(
            f"{model.name}: dependence on other visits, order and density",
            dependence_on_visits(model, seed=case.seed),
            high=1e-6,
            unit="mag",
        )


def _reconstruction(case: _Case, extra: dict[str, Any]) -> Iterator[Figure]:
    table: dict[str, Any] = extra.setdefault("reconstruction", {})
    for name, test in case.tested(5):
        for n_points in _POINTS:
            rms, fit = reconstruction_error(case.model, test, n_points, seed=case.seed)
            value, error = float(np.median(rms)), median_error(rms, seed=case.seed)
            by_provenance = {}
            for p in np.unique(test.provenance).tolist():
                mine = test.provenance == p
                by_provenance[p] = [float(np.median(rms[mine])), float(np.median(fit[mine])), int(mine.sum())]
            table[f"{name} {n_points}"] = {
                "model": value,
                "error": error,
                "fit": float(np.median(fit)),
                "stars": len(test),
                "by provenance": by_provenance,
            }
            if n_points in (20, 300):
                yield Figure.within(
                    f"{name}: reconstruction RMS / amplitude at {n_points} points",
                    value,
                    error=error,
                    high=_RMS_TARGETS.get((name, n_points), np.inf),
                    note=f"median of {len(test)} test stars; Fourier fit by BIC {np.median(fit):.4f}",
                )


def _two_sample(case: _Case, extra: dict[str, Any]) -> Iterator[Figure]:
    table: dict[str, Any] = extra.setdefault("two_sample", {})
    verdicts: dict[str, Verdict] = {}
    figures: list[Figure] = []
    for name, test in case.tested(_FEWEST):
        other = case.rows(name, "validation")
        if len(other) < _FEWEST:
            continue
        train = case.train(name)
        found: dict[str, Verdict] = {}
        parts: dict[str, Verdict] = {}
        for label, given in (("period", ("period",)), ("all", _GIVEN)):
            found[label], some = two_sample_by_provenance(
                test, case.drawn(name, given), given=given, fewest=_FEWEST
            )
            parts = parts or some
            copied = nearest_in_training(train, test, given)
            found[f"{label}, copied"] = two_sample_test(test, [copied], given=given)
        found["real against real"] = real_against_real(test, other, repeats=1)
        table[name] = {"stars": len(test)} | {k: [v.auc, v.error] for k, v in found.items()}
        table[name]["by provenance"] = {k: [v.auc, v.error, v.n] for k, v in parts.items()}
        verdicts[name] = period = found["period"]
        note = f"{len(test)} test stars, {case.draws} draws"
        beside = (
            f"real against real {found['real against real'].auc:.2f}, "
            f"copying the nearest star {found['period, copied'].auc:.2f}"
        )
        if len(parts) > 1:
            beside += "; " + ", ".join(f"{k} {v.auc:.2f} ({v.n})" for k, v in parts.items())
        full, copy = found["all"], found["all, copied"]
        less, both = full.auc - copy.auc, float(np.hypot(full.error, copy.error))
        high = _LOOSE_AUC.get(name, _AUC)
        about = f"{name}: two-sample AUC given"
        figures += [
            Figure.within(
                f"{about} the period", period.auc, error=period.error, high=high, note=f"{note}; {beside}"
            ),
            Figure.within(f"{about} Teff and M_G too", full.auc, error=full.error, high=high, note=note),
            Figure.within(
                f"{name}: the same less that of copying the nearest star",
                less,
                error=both,
                high=0.0,
                note=f"copying {copy.auc:.2f}",
            ),
        ]
    if verdicts:
        yield Figure.within(
            "two-sample AUC given the period, mean of the classes",
            float(np.mean([v.auc for v in verdicts.values()])),
            error=float(np.sqrt(np.sum([v.error**2 for v in verdicts.values()])) / len(verdicts)),
            high=_MEAN_AUC,
            note=", ".join(verdicts),
        )
    yield from figures


def _separation(case: _Case, extra: dict[str, Any]) -> Iterator[Figure]:
    stars = case.table.star

    def part(split: str) -> OpenSet:
        rows = [np.flatnonzero(np.isin(stars, case.rows(name, split).star)) for name in case.model.classes]
        return case.table.take(np.concatenate(rows))

    learn, test = part("validation"), part("test")
    if len(learn) < _FEWEST or np.unique(learn.star_class).size < 2:
        return
    for with_period, target in ((True, 0.97), (False, 0.95)):
        seeds = range(case.seed, case.seed + case.draws)
        found = separation(case.model, learn, test, with_period=with_period, seeds=seeds)
        name = "with log P" if with_period else "without log P"
        extra.setdefault("separation", {})[name] = {"tstr": found.tstr, "trtr": found.trtr}
        yield Figure.within(
            f"TSTR / TRTR macro-F1 {name}",
            found.ratio,
            error=float(np.hypot(found.error, found.scatter)),
            low=target,
            note=f"TSTR {found.tstr:.3f}, TRTR {found.trtr:.3f}; {len(learn)} stars to learn "
            f"from, physics not trained on, {len(test)} to test, {case.draws} draws",
        )


def _trends(case: _Case, extra: dict[str, Any]) -> Iterator[Figure]:
    test = {
        name: choose(case.table, name, "test", 2000)
        for name in ("RRLYR", "CEP")
        if name in case.model.classes
    }
    if len(test.get("RRLYR", ())) >= _FEWEST:
        targets = {"rise time": 0.004, "skewness": 0.03}
        for name, trend in rr_lyrae_trends(case.model, test["RRLYR"], seed=case.seed).items():
            yield _trend_figure(f"RR Lyrae: {name} against Teff, RMS", trend, targets[name], extra)
    if len(test.get("CEP", ())) >= _FEWEST:
        trend = hertzsprung_progression(case.model, test["CEP"], seed=case.seed)
        yield _trend_figure("Cepheids: phi21(log P), RMS", trend, 0.10, extra, "rad")


def _trend_figure(name: str, trend: Trend, target: float, extra: dict[str, Any], unit: str = "") -> Figure:
    extra.setdefault("trends", {})[name] = {
        k: getattr(trend, k).tolist() for k in ("centre", "real", "drawn")
    }
    note = (
        f"{trend.n} test stars in {len(trend.centre)} bins, 20 draws; a perfect model would show "
        f"{trend.noise:.2g} with so few real stars"
    )
    return Figure.within(name, trend.rms, error=trend.error, high=target, unit=unit, note=note)


def _memory(case: _Case, extra: dict[str, Any]) -> Iterator[Figure]:
    for name, test in case.tested(_FEWEST_NEIGHBOURS):
        found = training_distance(case.train(name), test, case.drawn(name))
        yield Figure.within(
            f"{name}: nearest-training distance, drawn / held-out",
            found.ratio,
            error=found.error,
            low=0.85,
            high=1.2,
            note=f"{len(test)} test stars; medians {found.drawn:.4f} and {found.held_out:.4f}; "
            f"ratio of the nearest tenth {found.nearest_tenth:.2f}",
        )


def _eclipses(case: _Case, extra: dict[str, Any]) -> Iterator[Figure]:
    if "ECL" not in case.model.classes:
        return
    test, other = (case.rows("ECL", part) for part in ("test", "validation"))
    if min(len(test), len(other)) < _FEWEST:
        return
    drawn = [(d.curve, d.amplitude_i) for d in case.drawn("ECL")]
    found = compare_eclipses((test.curve, test.amplitude_i), (other.curve, other.amplitude_i), drawn)
    for name, c in found.items():
        real, mine = (", ".join(f"{v:.3f}" for v in q) for q in (c.real, c.drawn))
        yield Figure(
            name=f"ECL: {name}, distance of drawn and real distributions",
            value=c.distance,
            unit="Kolmogorov-Smirnov",
            note=f"two real samples {c.control:.3f}, 5 % chance {c.chance:.3f}; "
            f"16/50/84 %: real {real}; drawn {mine}",
        )


def _response(case: _Case, extra: dict[str, Any]) -> Iterator[Figure]:
    for name, test in case.tested(_FEWEST_NEIGHBOURS):
        found = response(case.model, test)
        extra.setdefault("response", {})[name] = {
            k: {"change": v.change, "gain": v.gain, "error": v.error} for k, v in found.items()
        }
        parts = ", ".join(f"{k} {v.gain:.2f}" for k, v in found.items() if k != "all")
        yield Figure.within(
            f"{name}: squared error with another star's physics over that with its own",
            found["all"].gain,
            error=found["all"].error,
            note=f"one by one: {parts}",
        )


def _latent_table(case: _Case, extra: dict[str, Any]) -> Iterator[Figure]:
    few = _Case(case.weights, case.table, min(case.most, 300), 1, case.seed)
    train, test = (
        case.table.take(
            np.isin(case.table.star, np.concatenate([few.rows(c, part).star for c in case.model.classes]))
        )
        for part in ("train", "test")
    )
    if len(test) < _FEWEST:
        return
    found = latent_table(case.model, train, test, seed=case.seed)
    extra["latent_table"] = {
        "rmse": found.rmse,
        "row split": found.row_split,
        "macro_f1": found.macro_f1,
        "stars": [found.n_train, found.n_test],
    }
    for name in ("linear", "forest", "mlp"):
        yield Figure(
            name=f"latent means from physics, {name}: RMSE / scatter within classes",
            value=found.rmse[name],
            note=f"by star; shuffled physics {found.rmse[f'{name} permuted']:.3f}, class mean "
            f"{found.rmse['class mean']:.3f}"
            + (
                f"; split by row {found.row_split['forest']:.3f}, there with shuffled physics "
                f"{found.row_split['forest permuted']:.3f}"
                if name == "forest"
                else ""
            ),
        )
    yield Figure(
        name="classes from latent means, random forest: macro-F1",
        value=found.macro_f1["latent"],
        note=f"by star; with log P {found.macro_f1['latent and period']:.3f}, shuffled classes "
        f"{found.macro_f1['permuted']:.3f}; the encoder is told the class",
    )


def _size_and_speed(case: _Case, extra: dict[str, Any]) -> Iterator[Figure]:
    size = sum(v.nbytes for v in load_weights(case.weights).tensors.values()) / 1e6
    yield Figure.within("size of the weights", size, low=0.0, high=2.0, unit="MB")
    times = milliseconds(case.model)
    yield Figure.within(
        "100 light curves of 300 points from parameters to magnitudes",
        times["physics"],
        low=0.0,
        high=10.0,
        unit="ms",
        note=f"processor time of one thread, best of 30; with parameters drawn too {times['sample']:.1f} ms",
    )
    data = find_data_folder()
    if data is not None and (data / "pelsvae_published").is_dir():
        yield Figure.within(
            "speed over the published network yp4qdw1r",
            published_ratio(case.model, data / "pelsvae_published"),
            low=100.0,
            unit="times",
            note="processor time, one process, one thread",
        )


#: The parts of the report, in reading order.
PARTS: Final[dict[str, Callable[[_Case, dict[str, Any]], Iterator[Figure]]]] = {
    "contract": _contract,
    "reconstruction": _reconstruction,
    "two-sample": _two_sample,
    "separation": _separation,
    "trends": _trends,
    "memory": _memory,
    "eclipses": _eclipses,
    "response": _response,
    "latent table": _latent_table,
    "size and speed": _size_and_speed,
}


def check_parts(parts: tuple[str, ...]) -> None:
    """Refuse unknown parts."""
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise InputError(f"part {unknown[0]!r} is unknown", allowed=", ".join(PARTS))


def model_report(
    seed: int = 0,
    *,
    weights: str | Path = "default",
    table: OpenSet | None = None,
    most: int = 300,
    draws: int = 2,
    parts: tuple[str, ...] = tuple(PARTS),
    tell: Callable[[str], object] = lambda text: None,
) -> Report:
    """Measure a source model on the test stars of the open training set.

    Parameters
    ----------
    seed : int
        Seed of noise and draws.
    weights : str or Path
        Name or path of the weights.
    table : OpenSet, optional
        The open training set; the committed one by default.
    most : int
        Most test stars per class.
    draws : int
        Draws per test star.
    parts : tuple of str
        What to measure, out of `PARTS`.
    tell : callable
        Told what is being done.

    Returns
    -------
    Report
        Every figure with its error; a target counts as met within two standard errors.
    """
    case = _Case(weights, table if table is not None else load_open_set(), most, draws, seed)
    extra: dict[str, Any] = {"weights": case.model.hash}
    figures: list[Figure] = []
    for part in parts:
        tell(f"measuring: {part}")
        figures += PARTS[part](case, extra)
    return Report(
        topic="model",
        data=f"test stars of the open training set; weights {case.model.name} {case.model.hash[:12]}",
        seed=seed,
        figures=tuple(figures),
        extra=extra,
    )
