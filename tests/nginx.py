"""nginx in a frame without root, for tests of the servers that the pages and deploy/ write."""

from __future__ import annotations

from pathlib import Path

_BODIES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def framed(folder: Path, site: str) -> Path:
    """The configuration with these servers in it; its log, its id and what it keeps of bodies lie in the folder."""
    (folder / "site.conf").write_text(site, "utf-8")
    places = "".join(f"{name}_temp_path {folder}/{name};" for name in _BODIES)
    frame = folder / "nginx.conf"
    frame.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log {folder}/access.log; {places} include {folder}/site.conf; }}\n",
        "utf-8",
    )
    return frame
