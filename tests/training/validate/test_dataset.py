"""The report and the pictures of the training set."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.training.binaries.real import _measure_eclipses
from pelsvae_cadence.training.open_set.table import load_open_set
from pelsvae_cadence.training.validate.dataset import dataset_report
from pelsvae_cadence.training.validate.dataset_figures import (
    plot_binaries,
    plot_examples,
    plot_labels,
    plot_provenance,
)


@pytest.mark.slow
def test_report_of_rows_card_and_binaries_passes(shared_data, monkeypatch) -> None:
    monkeypatch.setenv("PELSVAE_DATA", str(shared_data))
    report = dataset_report(parts=("rows", "card", "binaries"))
    missed = [f"{f.name} = {f.value}" for f in report.figures if f.passed is False]
    assert report.passed, missed
    names = [figure.name for figure in report.figures]
    assert sum("independent stars" in name for name in names) == len(STAR_CLASSES)
    assert any("reserved" in name for name in names)
    assert set(report.extra["label_flags"]) == set(STAR_CLASSES)


def test_unknown_part_is_refused() -> None:
    with pytest.raises(InputError, match="unknown parts"):
        dataset_report(parts=("rows", "horoscope"))


def test_pictures_show_every_class() -> None:
    table = load_open_set()
    for star_class in STAR_CLASSES:
        figure = plot_examples(table, star_class, n=6)
        assert sum(bool(axis.lines) for axis in figure.axes) == 6
    with pytest.raises(InputError, match="no rows of class 'YSO'"):
        plot_examples(table, "YSO")
    assert len(plot_labels(table).axes) == 4
    bars = plot_provenance(table).axes[0].patches
    assert sum(bar.get_height() for bar in bars) == len(table)


def test_measures_of_a_known_eclipse() -> None:
    phase = np.arange(4096) / 4096
    from_primary = np.minimum(phase, 1 - phase)
    # Gaussian dips: full width at half depth is 2.355 sigma.
    mag = np.exp(-0.5 * (from_primary / 0.03) ** 2) + 0.4 * np.exp(-0.5 * ((phase - 0.5) / 0.02) ** 2)
    spectrum = np.fft.rfft(mag)[1:65] * 2 / 4096
    curve = PhaseCurve(cos=spectrum.real[None], sin=-spectrum.imag[None])
    measures = _measure_eclipses(curve, [1.0])
    assert measures.width[0] == pytest.approx(2.355 * 0.03, abs=2 / 512)
    assert measures.depth_ratio[0] == pytest.approx(0.4, abs=0.002)
    assert len(plot_binaries(measures, measures).axes) == 3
