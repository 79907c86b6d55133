"""Real stars, and what classifiers of simulated stars say of them."""

from __future__ import annotations

import pytest

from pelsvae_cadence.validate.classify.transfer import transfer_to_real_stars


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pelsvae_cadence.classify.ClassifierWarning")
def test_a_small_transfer(shared_data, tmp_path):
    seen = []
    options = {"seed": 1, "n_positions": 3, "stars_per_class": 4, "checkpoint_dir": tmp_path}
    found = transfer_to_real_stars(
        shared_data, 5, **options, progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (9, 9)
    assert len({transfer.name for transfer in found}) == 6
    for transfer in found:
        assert sum(transfer.predicted.values()) == transfer.n_stars == 5
        assert sum(transfer.simulated_predicted.values()) == transfer.n_simulated == 5
        assert transfer.predicted.get(transfer.label, 0) / 5 == pytest.approx(transfer.recall)
        assert transfer.gap == pytest.approx(transfer.recall - transfer.simulated)
