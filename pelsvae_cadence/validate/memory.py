"""Peak memory of the present process."""

from __future__ import annotations

import resource
from pathlib import Path

__all__ = ["peak_memory"]


def peak_memory() -> int:
    """Give the largest resident memory of this process so far, in bytes.

    Linux lets the figure of ``getrusage`` begin with that of the process that started this one, so
    that a small process started by a large one looks large: where there is one, the kernel's table of
    the process is read instead.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
