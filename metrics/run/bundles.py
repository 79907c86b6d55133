"""MAF bundles of a run: where they look, which bundles ask for the survey years, and running them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Final

import healpy
import numpy as np

from pelsvae_cadence.cadence.survey import check_position
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.sky_positions import position_pairs
from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.metrics.maf.bundle_group import ResumableBundleGroup, fingerprint_of
from pelsvae_cadence.metrics.maf.data_directory import prepare_data_directory
from pelsvae_cadence.metrics.maf.survey_source import SurveySource
from pelsvae_cadence.metrics.position.observe import load_model
from pelsvae_cadence.metrics.run.folder import new_results, results_database
from pelsvae_cadence.metrics.time_to_recovery import TimeToRecoveryMetric

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.metric_bundles import MetricBundle

__all__ = ["bundles_by_years", "finished_group", "sky_positions"]

_CHECKPOINTS: Final = ".finished"


def sky_positions(
    nside: int | None, positions: Sequence[tuple[float, float]] | None
) -> list[tuple[float, float]]:
    """List the positions of a HEALPix map, or check those that are given: degrees."""
    if (nside is None) == (positions is None):
        raise InputError(f"nside = {nside!r} and positions = {positions!r}", remedy="Give one of them.")
    if nside is None:
        points = [
            check_position(ra, dec) for ra, dec in position_pairs(() if positions is None else positions)
        ]
        if not points:
            raise InputError("no position to run on", remedy="Give at least one (ra, dec).")
        return points
    if not healpy.isnsideok(nside, nest=True):
        raise InputError(f"nside = {nside!r}", allowed="a power of two, e.g. 8, 16, 64")
    ra, dec = healpy.pix2ang(nside, np.arange(healpy.nside2npix(nside)), lonlat=True)
    return list(zip(ra.tolist(), dec.tolist(), strict=True))


def bundles_by_years(
    bundles: Sequence[MetricBundle], source: SurveySource, years: Sequence[float]
) -> list[MetricBundle]:
    """Make the bundles that ask for the years, with the stars and settings of those given."""
    first, last = source.first_and_last_visit()
    made = []
    for bundle in bundles:
        metric, shown = bundle.metric, bundle.display_dict
        time = TimeToRecoveryMetric(
            metric.name.replace("PeriodRecovery", "TimeToRecovery"),
            years,
            first,
            (last - first) / JULIAN_YEAR,
            on_run=metric.on_run,
            **metric.options.keywords,
        )
        made.append(
            MetricBundle(
                time,
                bundle.slicer,
                bundle.constraint,
                run_name=bundle.run_name,
                info_label=bundle.info_label,
                display_dict={
                    **shown,
                    "subgroup": shown["subgroup"].replace("Period recovery", "Years to a period"),
                    "order": shown["order"] + len(bundles),
                    "caption": f"{shown['caption']} Searched at the end of each survey year.",
                },
                summary_metrics=list(bundle.summary_metrics),
            )
        )
    return made


@contextmanager
def finished_group(
    bundles: dict[str, MetricBundle],
    source: SurveySource,
    constraint: str,
    folder: Path,
    *,
    keep: bool = True,
    workers: int = 1,
    scheduler: str | None = None,
    on_partition: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[ResumableBundleGroup, Path]]:
    """Run bundles on a survey; their files take the place of earlier results at the end.

    Unless told not to keep them, finished positions stay in a hidden folder until the results are
    complete. Yields the group after its run, with its results database open, and the folder of MAF's
    files so far: what is written beside them is moved with them.
    """
    kept: Path | None = None
    if keep:
        model = load_model(next(iter(bundles.values())).metric.options.model)
        identity = fingerprint_of(bundles, source.content_hash, constraint, model.hash)
        kept = folder / f"{_CHECKPOINTS}-{identity[:24]}"
    with new_results(folder, kept) as work, results_database(work) as results:
        group = ResumableBundleGroup(
            bundles,
            None,
            out_dir=str(work),
            results_db=results,
            save_early=False,
            checkpoint_dir=kept,
            workers=workers,
            scheduler=scheduler,
            fingerprint="" if kept is None else kept.name,
            on_partition=on_partition,
        )
        # MAF prints whole slice points when one of them fails; the error itself says enough.
        with redirect_stdout(io.StringIO()):
            group.run_current(constraint, sim_data=source.array)
        group.write_all()
        yield group, work
