"""``tsunagu keys``: how many keys of sealed datasets there are; ``rotate`` wraps them with a new key-encryption key."""

from __future__ import annotations

import argparse
import json

import django


def keys(options: argparse.Namespace) -> int:
    """Count, or rotate: stored bytes stay as they are, only the small wrapped keys are written anew."""
    django.setup()
    from tsunagu.foundation.identity.api import SYSTEM
    from tsunagu.foundation.runs import api as runs
    from tsunagu.foundation.storage import api as storage

    ring = storage.key_ring()
    if options.action == "rotate":
        count = ring.rotate()
        runs.record(SYSTEM, "rotate_keys", parameters={"key_count": count})
    else:
        count = sum(1 for _ in ring.domains())
    print(json.dumps({"keys": count, "rotated": options.action == "rotate"}))
    return 0
