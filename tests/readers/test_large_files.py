"""A million rows of forced photometry fit into a laptop's memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

N = 1_000_000
READ = """
import json, sys, time, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from pelsvae_cadence import read_light_curves
start = time.perf_counter()
found = read_light_curves(sys.argv[1], visits=sys.argv[2])
seconds = time.perf_counter() - start
# The peak that getrusage tells begins with that of the process that started this one.
status = Path("/proc/self/status").read_text()
peak = 1024 * int(status.split("VmHWM:")[1].split()[0])
print(json.dumps({
    "seconds": seconds,
    "peak": peak,
    "points": found.n_points, "stars": len(found), "omitted": found.origin.n_omitted,
}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_a_million_rows_of_forced_source(tmp_path):
    draw = np.random.default_rng(0)
    flags = (
        "psfFlux_flag",
        *(f"pixelFlags_{f}" for f in ("bad", "cr", "saturated", "suspect", "edge", "nodata")),
    )
    columns = {
        "objectId": 2**60 + draw.integers(0, 5000, N),
        "visit": 2025000000 + draw.integers(0, 3000, N),
        "detector": draw.integers(0, 189, N),
        "band": np.array(list("ugrizy"))[draw.integers(0, 6, N)],
        "coord_ra": draw.uniform(0, 360, N),
        "coord_dec": draw.uniform(-90, 10, N),
        "psfFlux": draw.normal(1e4, 100, N).astype(np.float32),
        "psfFluxErr": np.full(N, 100, np.float32),
        "psfDiffFlux": draw.normal(0, 100, N).astype(np.float32),
        "psfDiffFluxErr": np.full(N, 100, np.float32),
        **{flag: draw.random(N) < 0.01 for flag in flags},
    }
    pq.write_table(pa.table(columns), tmp_path / "forced.parquet")
    visits = {"visit": 2025000000 + np.arange(3000), "expMidptMJD": 60800 + 0.01 * np.arange(3000)}
    pq.write_table(pa.table(visits), tmp_path / "visits.parquet")
    command = [sys.executable, "-c", READ, str(tmp_path / "forced.parquet"), str(tmp_path / "visits.parquet")]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"\n{N} rows in {told['seconds']:.1f} s with {told['peak'] / 1e6:.0f} MB at most")
    assert told["points"] + told["omitted"] == N
    assert told["stars"] == 5000
    assert told["peak"] <= 1e9
