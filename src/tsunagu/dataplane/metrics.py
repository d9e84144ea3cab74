"""Counters of the byte server, in OpenMetrics text."""

from __future__ import annotations

import threading
from collections import Counter

_TEXT = {
    "requests": "Requests answered, by route and status.",
    "received_bytes": "Body bytes that were received.",
    "sent_bytes": "Body bytes that were handed out.",
    "committed_files": "Files that control has accepted.",
}


class Metrics:
    """Counts since the start of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, name: str, count: int = 1, **labels: object) -> None:
        """Count something; the name is one of the table above."""
        text = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
        with self._lock:
            self._counts[name, text] += count

    def render(self, *, open_uploads: int) -> str:
        """OpenMetrics text, version 1.0.0."""
        with self._lock:
            counts = dict(self._counts)
        lines = []
        for name, help_text in _TEXT.items():
            lines += [f"# HELP tsunagu_bytes_{name} {help_text}", f"# TYPE tsunagu_bytes_{name} counter"]
            for (counted, labels), count in sorted(counts.items()):
                if counted == name:
                    lines.append(f"tsunagu_bytes_{name}_total{{{labels}}} {count}")
        lines += [
            "# HELP tsunagu_bytes_open_uploads Uploads that are not finished.",
            "# TYPE tsunagu_bytes_open_uploads gauge",
            f"tsunagu_bytes_open_uploads {open_uploads}",
            "# EOF",
        ]
        return "\n".join(lines) + "\n"
