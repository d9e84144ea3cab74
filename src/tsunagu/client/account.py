"""Which node, and who asks: environment first, then the file that ``tsunagu login`` wrote."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass

from tsunagu.client.errors import NotSignedInError, UsageError
from tsunagu.client.messages import text

DEFAULT_URL = "http://localhost:8000"


@dataclass(frozen=True)
class Account:
    """A node's address and the token to show there.

    Attributes:
        refresh: Brings a new token when this one ends; empty for tokens that were pasted.
        expires_at: When the token ends, seconds since 1970; 0 is unknown.
    """

    url: str
    token: str
    refresh: str = ""
    expires_at: float = 0.0


def config_path() -> str:
    """The file that keeps url and token, where this system keeps such files."""
    if override := os.environ.get("TSUNAGU_CONFIG"):
        return override
    if sys.platform == "win32":
        base = os.environ.get("APPDATA") or os.path.expanduser("~\\AppData\\Roaming")  # noqa: PTH111 - pathlib costs 10 ms of start-up
    else:
        base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
    return f"{base}{os.sep}tsunagu{os.sep}account.json"


def cache_folder() -> str:
    """Where push states are kept; losing them costs time, never data."""
    if override := os.environ.get("TSUNAGU_CACHE"):
        return override
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")  # noqa: PTH111
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    return f"{base}{os.sep}tsunagu"


def check_url(url: str) -> str:
    """The address without its last slash.

    Raises:
        UsageError: it is not an http(s) address.
    """
    kept = url.strip().rstrip("/")
    if not kept.startswith(("http://", "https://")) or len(kept.split("://", 1)[1]) == 0:
        raise UsageError(text("bad_url", url=url), remedy=text("bad_url_remedy"))
    return kept


def stored() -> dict[str, str]:
    """What ``login`` wrote; empty when there is nothing usable."""
    try:
        with open(config_path(), encoding="utf-8") as file:  # noqa: PTH123
            content = json.load(file)
    except (OSError, ValueError):
        return {}
    return (
        {key: str(content[key]) for key in ("url", "token", "refresh", "expires_at") if content.get(key)}
        if isinstance(content, dict)
        else {}
    )


def stored_account(url: str) -> Account | None:
    """What ``login`` wrote for a node."""
    kept = stored()
    if kept.get("url") != url or not kept.get("token"):
        return None
    return Account(url, kept["token"], kept.get("refresh", ""), float(kept.get("expires_at") or 0))


def store(account: Account) -> str:
    """Write url and token, readable by this person only; the path of the file."""
    path = config_path()
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
    fresh = f"{path}.new"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123
        if sys.platform != "win32":
            os.fchmod(handle, 0o600)  # a file left over from a broken login may have had wider rights
        content: dict[str, object] = {"url": account.url, "token": account.token}
        if account.refresh:
            content |= {"refresh": account.refresh, "expires_at": account.expires_at}
        json.dump(content, file)
    os.replace(fresh, path)  # noqa: PTH105
    return path


def resolve(url: str | None = None, token: str | None = None) -> Account:
    """Arguments win over the environment, the environment over the stored account.

    A stored token is shown only to the node that it was stored for: an address from elsewhere gets none.

    Raises:
        NotSignedInError: no token is known.
    """
    kept = stored()
    chosen = check_url(url or os.environ.get("TSUNAGU_URL") or kept.get("url") or DEFAULT_URL)
    shown = token or os.environ.get("TSUNAGU_TOKEN")
    if shown:
        return Account(chosen, shown.strip())
    found = stored_account(chosen)
    if found is None:
        raise NotSignedInError(text("no_token", url=chosen), remedy=text("no_token_remedy"))
    return found
