"""Run one job: ``python -m tsunagu.compute.runner JOBFILE``."""

from __future__ import annotations

import sys

from tsunagu.compute.runner.begin import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
