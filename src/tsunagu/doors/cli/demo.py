"""To come."""

from __future__ import annotations

import argparse


def demo(options: argparse.Namespace) -> int:
    """To come."""
    del options
    return 0
