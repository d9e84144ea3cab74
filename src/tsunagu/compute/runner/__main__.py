"""Run one job: ``python -m tsunagu.compute.runner JOBFILE``."""

from __future__ import annotations

import gc
import sys

gc.disable()  # what is loaded stays: looking for what could go takes 4 of 63 ms; begin.py turns it on again

from tsunagu.compute.runner.begin import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
