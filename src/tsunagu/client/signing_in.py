"""Signing in without a password in the shell: the node shows a page, the person types the code that stands here.

OAuth 2.0 device grant (RFC 8628), and the renewal of what it brought. A refresh token works once, so commands that run
side by side take turns by a lock file and look first whether another one was faster.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tsunagu import __version__
from tsunagu.client import account
from tsunagu.client.errors import BadAnswerError, NotSignedInError, UsageError
from tsunagu.client.messages import text
from tsunagu.client.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLIENT_ID = "tsunagu-cli"
VERBS = ("read", "write", "share", "admin")
_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_OK = 200
_EARLY_S = 120.0
_LOCK_S = 20.0


def by_device(
    url: str,
    verbs: tuple[str, ...],
    tell: Callable[[str, str], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> account.Account:
    """Ask the node for a code, have it shown, and wait until the person allowed it.

    Args:
        url: Address of the node.
        verbs: What to ask for.
        tell: Shows the page's address and the code.
        sleep: Replaced in tests.

    Raises:
        NotSignedInError: the person said no, or the code ran out.
        UsageError: the node knows no such sign-in.
    """
    transport = Transport()
    try:
        asked = _post(transport, f"{url}/oauth/device", scope=" ".join(verbs))
        if "device_code" not in asked:
            raise UsageError(text("login_no_device", url=url), remedy=text("login_no_device_remedy"))
        tell(str(asked["verification_uri"]), str(asked["user_code"]))
        wait_s, until = float(asked.get("interval", 5)), time.monotonic() + float(asked["expires_in"])
        while time.monotonic() < until:
            sleep(wait_s)
            found = _post(
                transport, f"{url}/oauth/token", grant_type=_GRANT, device_code=str(asked["device_code"])
            )
            if "access_token" in found:
                return _account(url, found)
            if found.get("error") == "slow_down":
                wait_s += 5
            elif found.get("error") != "authorization_pending":
                break
        raise NotSignedInError(text("login_refused"), remedy=text("login_refused_remedy"))
    finally:
        transport.close()


def renewed(known: account.Account) -> account.Account:
    """The account with a token that works for a while; the stored one when another command was faster.

    Raises:
        NotSignedInError: the node ended the connection.
    """
    with _alone():
        kept = account.stored_account(known.url)
        if kept is not None and kept.token != known.token and not is_old(kept):
            return kept
        secret = kept.refresh if kept is not None and kept.refresh else known.refresh
        transport = Transport()
        try:
            found = _post(
                transport, f"{known.url}/oauth/token", grant_type="refresh_token", refresh_token=secret
            )
        finally:
            transport.close()
        if "access_token" not in found:
            raise NotSignedInError(text("token_refused", url=known.url), remedy=text("no_token_remedy"))
        fresh = _account(known.url, found)
        account.store(fresh)
        return fresh


def give_back(known: account.Account) -> None:
    """End the connection at the node."""
    transport = Transport()
    try:
        form = {"client_id": CLIENT_ID, "token": known.refresh or known.token}
        _send(transport, f"{known.url}/oauth/revoke", form)
    finally:
        transport.close()


def is_old(known: account.Account) -> bool:
    """Whether a token that can be renewed is about to end."""
    return bool(known.refresh) and time.time() > known.expires_at - _EARLY_S


def _account(url: str, found: dict[str, Any]) -> account.Account:
    return account.Account(
        url,
        str(found["access_token"]),
        str(found.get("refresh_token", "")),
        time.time() + float(found.get("expires_in", 0)),
    )


def _post(transport: Transport, url: str, **form: str) -> dict[str, Any]:
    status, body = _send(transport, url, {"client_id": CLIENT_ID, **form})
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadAnswerError(text("bad_status", url=url, status=status), remedy=text("bad_answer_remedy"))
    return found


def _send(transport: Transport, url: str, form: dict[str, str]) -> tuple[int, bytes]:
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
        # The person reads it before allowing: is this really the computer in front of me?
        "User-Agent": f"tsunagu {__version__} on {socket.gethostname()}".encode("ascii", "replace").decode(),
    }
    # A code and a refresh token work once: a request whose answer got lost is not repeated blindly.
    answer = transport.request("POST", url, headers=headers, body=urlencode(form).encode(), repeatable=False)
    return answer.status, answer.body


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One command at a time; a lock that a killed command left behind counts for some seconds."""
    path = f"{account.config_path()}.lock"
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
    until = time.monotonic() + _LOCK_S
    while True:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            break
        except FileExistsError:
            if time.monotonic() > until:
                with contextlib.suppress(OSError):
                    os.unlink(path)  # noqa: PTH108
            time.sleep(0.05)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108
