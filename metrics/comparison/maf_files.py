"""One results directory per run that MAF's own tools read, and the tables `run_comparison` wants.

`ResultsDb`, npz bundles and display groups are those of any MAF run: `show_maf` serves a
directory, `gather_summaries` joins several.
"""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import event

from pelsvae_cadence.metrics.comparison.classified_stars import ClassifiedStars
from pelsvae_cadence.metrics.comparison.evaluate import RunOutcome
from pelsvae_cadence.metrics.comparison.plan import Plan
from pelsvae_cadence.metrics.comparison.quantities import (
    CADENCE_QUANTITIES,
    HEADLINE,
    STAR_QUANTITIES,
    WITHOUT_PERIOD,
    Quantity,
)
from pelsvae_cadence.metrics.comparison.result import Comparison
from pelsvae_cadence.metrics.comparison.statistics.class_scores import F1, MACRO_F1, f1_of_counts
from pelsvae_cadence.metrics.maf.data_directory import prepare_data_directory
from pelsvae_cadence.metrics.position.methods import named_by_method

prepare_data_directory()  # rubin_sim looks for it when it is imported

import rubin_sim.maf.metrics as maf_metrics
from rubin_sim.maf.db import ResultsDb
from rubin_sim.maf.metric_bundles import MetricBundle, MetricBundleGroup
from rubin_sim.maf.run_comparison import combine_result_dbs, create_metric_subset, write_metric_subsets
from rubin_sim.maf.slicers import BaseSlicer, HealpixSlicer, UniSlicer, UserPointsSlicer

__all__ = ["folder_name", "write_maf"]

FloatArray = npt.NDArray[np.float64]

_FAMILY: Final = "comparison"
_COMMON: Final = "Mean common footprint"
_COMMON_SCORE: Final = "Common footprint"
_GROUP: Final = "Periodic variables"
_CLASSES: Final = "Classes told apart"
_SUBSETS: Final = {
    "periods recovered": ("recovered", "strict", "recovered_or_half"),
    "periods not recovered": ("alias", "wrong", "no_detection"),
}


class _Value(maf_metrics.BaseMetric):  # type: ignore[misc]  # rubin_sim has no types
    """The name and unit of values that are already known: MAF keeps both in a metric."""

    def __init__(self, metric_name: str, units: str = "", caption: str = "") -> None:
        super().__init__(col=[], metric_name=metric_name, units=units, maps=[])
        self.comment = caption

    def run(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None = None) -> float:
        raise NotImplementedError("the values are computed by pelsvae_cadence compare")


def folder_name(run: str) -> str:
    """Make a folder's name of a run's.

    Parameters
    ----------
    run : str
        Name of the run.

    Returns
    -------
    str
        Letters, digits and ``. _ + -`` only.
    """
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", run).strip("_.") or "run"


def _results_db(folder: Path) -> ResultsDb:
    """Open a new results database that does not wait for the disk at each of its commits.

    A folder of results counts once it is complete; a power failure before loses it in any case.
    """
    results = ResultsDb(out_dir=str(folder))
    engine = results.session.get_bind()
    engine.dispose()
    event.listen(engine, "connect", lambda link, _: link.execute("pragma synchronous = off"))
    return results


def _slicer(plan: Plan) -> BaseSlicer:
    # No visits are looked up through it: it only says where the values belong.
    options: dict[str, Any] = {"use_camera": False, "radius": 1.75, "verbose": False}
    if plan.nside is not None:
        return HealpixSlicer(nside=plan.nside, use_cache=False, **options)
    ra, dec = plan.sky.T
    return UserPointsSlicer(ra.tolist(), dec.tolist(), **options)


class _Entry(NamedTuple):
    """What MAF keeps a bundle of: its metric, info label and subgroup, and a value at each position."""

    metric: str
    label: str
    subgroup: str
    quantity: Quantity
    values: FloatArray


def _entries(run: RunOutcome, plan: Plan, further: Mapping[str, Sequence[Quantity]]) -> Iterator[_Entry]:
    labels = [f"year {year:g}" for year in plan.years]
    for g, group in enumerate(plan.groups):
        shares = run.outcome[:, g].mean(axis=2)  # (n_positions, n_years, n_quantities)
        for y, label in enumerate(labels):
            for q, quantity in enumerate(STAR_QUANTITIES):
                metric = f"{named_by_method(f'PeriodRecovery {group.label}', plan.method)}_{quantity.name}"
                yield _Entry(metric, label, group.star_class, quantity, shares[:, y, q])
        without = (1.0 - shares[..., 0]) @ np.diff(plan.years, prepend=0.0)
        metric = named_by_method(f"YearsWithoutPeriod {group.label}", plan.method)
        yield _Entry(metric, labels[-1], group.star_class, WITHOUT_PERIOD, without)
    families = {"Cadence": (CADENCE_QUANTITIES, run.cadence)}
    families |= {name: (tuple(further[name]), run.further[name]) for name in further}
    for family, (quantities, values) in families.items():
        for y, label in enumerate(labels):
            for q, quantity in enumerate(quantities):
                yield _Entry(f"{family} {quantity.name}", label, family, quantity, values[:, y, q])


@dataclass(frozen=True)
class _Folder:
    """A results directory that is being filled."""

    path: Path
    run: str
    results: ResultsDb

    def write(
        self,
        entry: _Entry,
        order: int,
        slicer: BaseSlicer,
        values: np.ma.MaskedArray[Any, Any],
        summaries: Sequence[Any],
        common: tuple[str, float] | None,
    ) -> MetricBundle:
        """Write a bundle with its summaries, and that of the common footprint (name and value)."""
        metric, label, subgroup, quantity, _ = entry
        side = "" if quantity.better == "neither" else f"; {quantity.better} is better"
        bundle = MetricBundle(
            _Value(metric, quantity.unit, quantity.caption),
            slicer,
            "",
            run_name=self.run,
            info_label=label,
            display_dict={
                "group": _GROUP,
                "subgroup": subgroup,
                "order": order,
                "caption": f"{quantity.caption} ({label}{side})",
            },
            summary_metrics=list(summaries),
        )
        bundle.metric_values = values
        # The first entry of a metric is the one that stays: it has to name the file.
        bundle.write_db(results_db=self.results)
        bundle.compute_summary_stats(self.results)
        if common is not None:
            bundle.summary_values[common[0]] = common[1]
            identity = self.results.update_metric(metric, slicer.slicer_name, self.run, "", label, None)
            self.results.update_summary_stat(identity, *common)
        bundle.write(out_dir=str(self.path), results_db=self.results)
        return bundle


def write_maf(result: Comparison, folder: Path, *, plots: bool = False) -> dict[str, Path]:
    """Write a folder for each run, and the tables that ``run_comparison`` otherwise downloads.

    Parameters
    ----------
    result : Comparison
        The comparison.
    folder : Path
        An existing folder without results of MAF.
    plots : bool
        Let MAF draw the recovered fractions after the last year, for its web pages.

    Returns
    -------
    dict of str to Path
        "maf summary" (HDF5, key ``stats``), "maf summary csv", "metric subsets", "run families" and
        "maf RUN" of every run, relative to the folder.
    """
    names: dict[str, str] = {}
    for run in result.outcomes:
        name = folder_name(run.name)
        while name in names.values():  # two names of runs may become one folder
            name += "_"
        names[run.name] = name
        (folder / name).mkdir()
        _write_run(run, result, folder / name, plots=plots)
    files = {
        "maf summary": Path("maf_summary.h5"),
        "maf summary csv": Path("maf_summary.csv"),
        "metric subsets": Path("metric_subsets.json"),
        "run families": Path("run_families.json"),
    }
    order = list(names)
    gathered = combine_result_dbs([str(folder / name) for name in names.values()]).loc[order]
    gathered.to_hdf(folder / files["maf summary"], key="stats")
    gathered.to_csv(folder / files["maf summary csv"])
    subsets = _subsets([str(name) for name in gathered.columns], result.plan, result.further)
    write_metric_subsets(str(folder / files["metric subsets"]), subsets)
    families = {
        _FAMILY: {
            "description": "the runs of this comparison, the reference first",
            "version": "",
            "run": order,
            "brief": order,
            "filepath": list(names.values()),
            "url": [""] * len(order),
        }
    }
    (folder / files["run families"]).write_text(json.dumps(families, indent=2) + "\n")
    return files | {f"maf {run}": Path(name) for run, name in names.items()}


def _write_run(run: RunOutcome, result: Comparison, folder: Path, *, plots: bool) -> None:
    """Write what MAF's tools read of one run.

    Means over the footprint common to all runs are summary values of their own.
    """
    plan, common = result.plan, result.summary.common
    slicer, results = _slicer(plan), _results_db(folder)
    target = _Folder(folder, run.name, results)
    summaries = [
        maf_metrics.MeanMetric(),
        maf_metrics.MedianMetric(),
        maf_metrics.CountMetric(metric_name="Positions"),
    ]
    shown: dict[str, MetricBundle] = {}
    try:
        for order, entry in enumerate(_entries(run, plan, result.further)):
            hidden = ~run.in_footprint | ~np.isfinite(entry.values)
            both = common & ~hidden
            mean = (_COMMON, float(entry.values[both].mean())) if both.any() else None
            values = np.ma.MaskedArray(
                data=np.where(hidden, slicer.badval, entry.values), mask=hidden, fill_value=slicer.badval
            )
            bundle = target.write(entry, order, slicer, values, summaries, mean)
            if plots and entry.quantity.name == HEADLINE and entry.label == f"year {plan.years[-1]:g}":
                shown[bundle.file_root] = bundle
        if run.classified is not None:
            _write_class_scores(target, run.classified, plan, run.in_footprint, common)
        if shown:
            _plot(shown, folder, results)
    finally:
        results.close()


def _write_class_scores(
    target: _Folder,
    stars: ClassifiedStars,
    plan: Plan,
    footprint: npt.NDArray[np.bool_],
    common: npt.NDArray[np.bool_],
) -> None:
    """Write F1 scores, which are of all stars together: one number each, as MAF's UniSlicer has it."""
    quantities = [(MACRO_F1, "macro_f1"), *((F1, f"f1_{name}") for name in stars.classes)]
    for y, year in enumerate(plan.years):
        own, both = (f1_of_counts(stars.counts(y)[where].sum(axis=(0, 1))) for where in (footprint, common))
        for order, (quantity, key) in enumerate(quantities):
            value = np.ma.masked_invalid(own[order : order + 1])
            entry = _Entry(f"{_CLASSES} {key}", f"year {year:g}", _CLASSES, quantity, value)
            score = (_COMMON_SCORE, float(both[order]))
            target.write(entry, order, UniSlicer(), value, [maf_metrics.IdentityMetric()], score)


def _subsets(names: Sequence[str], plan: Plan, further: Mapping[str, Sequence[Quantity]]) -> pd.DataFrame:
    """Name groups of summary values, with their direction."""
    parts = []

    def subset(title: str, chosen: Mapping[str, bool]) -> None:
        """Put together the names that begin with one of these, which are better lower or not."""
        found = {name: lower for name in names for start, lower in chosen.items() if name.startswith(start)}
        if found:
            short = [_short(name) for name in found]
            parts.append(
                create_metric_subset(title, list(found), short_name=short, invert=list(found.values()))
            )

    for year in plan.years:
        label = f"year {year:g}"
        for title, chosen in _SUBSETS.items():
            lower = {
                f"Mean {named_by_method(f'PeriodRecovery {group.label}', plan.method)}_{quantity.name} {label} ": (
                    quantity.better == "lower"
                )
                for group in plan.groups
                for quantity in STAR_QUANTITIES
                if quantity.name in chosen
            }
            subset(f"{title} {label}", lower)
        for family, quantities in further.items():
            lower = {
                f"Mean {family} {quantity.name} {label} ": quantity.better == "lower"
                for quantity in quantities
                if quantity.better != "neither"
            }
            subset(f"{family} {label}", lower)
        scores = [name for name in names if name.startswith(f"Identity {_CLASSES} ") and f"{label} " in name]
        subset(f"F1 scores {label}", dict.fromkeys(scores, False))
    subset("years without a period", {"Mean YearsWithoutPeriod": True})
    return pd.concat(parts)


def _short(name: str) -> str:
    return re.sub(r"^(Mean|Identity) (PeriodRecovery )?| (Healpix|UserPoints|Uni)Slicer$", "", name).replace(
        "_", " "
    )


def _plot(shown: dict[str, MetricBundle], folder: Path, results: Any) -> None:
    """Let MAF draw the headline, for its web pages."""
    for bundle in shown.values():
        bundle.set_plot_dict({"color_min": 0.0, "color_max": 1.0, "x_min": 0.0, "x_max": 1.0, "bins": 20})
    drawable = {k: b for k, b in shown.items() if not b.metric_values.mask.all()}
    group = MetricBundleGroup(drawable, None, out_dir=str(folder), results_db=results)
    # What MAF and matplotlib remark to each other is not the user's business.
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        group.plot_all(fig_format="png", dpi=100)
