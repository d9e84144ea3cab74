"""What every process of a node loads before it does anything."""

from __future__ import annotations

import os
import subprocess
import sys

# Each costs some tenths of a second and tens of megabytes in every process of a node.
HEAVY = {"pyarrow", "numpy", "duckdb", "tantivy", "polars", "distributed", "zarr", "PIL", "boto3", "botocore"}
_SCRIPT = """
import sys
import django
django.setup()
import tsunagu.config.urls
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_a_node_starts_without_what_few_of_its_tasks_need(tmp_path):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tsunagu.config.settings",
        "TSUNAGU_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], env=environment, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "django" in loaded
    assert not loaded & HEAVY
