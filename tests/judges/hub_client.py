"""A process as a researcher starts it, in which unmodified clients of the Hub speak to a node."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap


class HubClient:
    """Runs a few lines in a fresh process, with an empty cache unless one is named."""

    def __init__(self, node, folder, **environment):
        self.node, self.folder, self.environment = node, folder, environment

    def __call__(self, script, *, token=None, is_good=True, cache="", **environment):
        fresh = self.folder / (cache or f"hf{len(list(self.folder.iterdir()))}")
        fresh.mkdir(exist_ok=True)
        values = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "HF_HOME": str(fresh),
            "HF_ENDPOINT": self.node.url,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_TOKEN": self.node.token if token is None else token,
            **self.environment,
            **environment,
        }
        done = subprocess.run(
            [sys.executable, "-c", "import json, sys\n" + textwrap.dedent(script)],
            env={name: value for name, value in values.items() if value},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if is_good:
            assert done.returncode == 0, done.stderr[-4000:]
            return json.loads(done.stdout.splitlines()[-1])
        assert done.returncode != 0
        return done.stderr
