"""``tsunagu demo`` (``make run``): a node, its first administrator, and a sample laboratory taken through the job."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tsunagu.client.messages import language
from tsunagu.core import settings
from tsunagu.core.errors import TsunaguError
from tsunagu.doors.cli.running import running_node

ADMINISTRATOR = "admin@example.org"
PROJECT, DATASET, INSTRUMENT = "sample-lab", "first-light", "shared-room"
_STEPS = 7
_START_WITHIN_S = 120
_READ_WITHIN_S = 600
_SURE = 0.8

_WORDS = {
    "node": ("Starting the node", "ノードを起動しています"),
    "lab": ("Gathering real instrument files", "実測ファイルを集めています"),
    "project": ("Making a project and an instrument", "プロジェクトと装置を登録しています"),
    "push": ("The instrument's agent sends the files", "装置のエージェントがファイルを送っています"),
    "read": ("Reading the files in the sandbox", "サンドボックスでファイルを読み取っています"),
    "describe": ("Describing the dataset", "データセットを記述しています"),
    "freeze": ("Freezing version 1", "第1版を確定しています"),
    "again": (
        "The sample laboratory is here from an earlier run; nothing was changed.",
        "見本の研究室は前回のまま残っています。何も変更していません。",
    ),
    "left_out": ("left out, {why}", "省略しました({why})"),
    "dataset": ("The finished dataset", "できあがったデータセット"),
    "link": (
        "Sign in as the administrator (works once, within a day)",
        "管理者としてサインイン(1回限り、1日有効)",
    ),
    "sign_in": ("Sign in", "サインイン"),
    "stop": ("The node keeps running. Stop it with: {how}", "ノードは動き続けます。止めるには: {how}"),
}
_TITLE = {"en": "First light: one day of a shared instrument facility", "ja": "共用機器施設の一日"}
_DESCRIPTION = {
    "en": "Real files of eight instruments, taken from the sample data of open scientific packages: computed "
    "tomography, magnetic resonance, an electrocardiogram, space telescopes, spectra and crystal structures.",
    "ja": "公開されている科学計算パッケージの見本データから集めた、8種類の装置の実測ファイルです。CT、MRI、心電図、"
    "宇宙望遠鏡、各種スペクトル、結晶構造を含みます。",
}


def _say(key: str, **fields: object) -> str:
    return _WORDS[key][language() == "ja"].format(**fields)


class Steps:
    """A bar that moves on with each step; within a step it may show how far it is."""

    def __init__(self) -> None:
        self._done = 0
        self._is_terminal = sys.stderr.isatty()

    @contextlib.contextmanager
    def step(self, key: str) -> Iterator[Callable[[str], None]]:
        """One step; yields a function that shows its state."""
        label = _say(key)
        self._draw(label)
        yield lambda state: self._draw(f"{label} {state}") if self._is_terminal else None
        self._done += 1
        self._draw(label, is_last=True)

    def _draw(self, label: str, *, is_last: bool = False) -> None:
        bar = "#" * (self._done * 3) + "." * ((_STEPS - self._done) * 3)
        line = f"[{bar}] {self._done}/{_STEPS} {label}"
        if self._is_terminal:
            print(f"\r\033[K{line}", end="\n" if is_last else "", file=sys.stderr, flush=True)
        elif is_last:
            print(line, file=sys.stderr, flush=True)


def demo(options: argparse.Namespace) -> int:
    """Run the tour; on a home that has seen it, only start the node."""
    node = settings.current()
    steps = Steps()
    with steps.step("node"):
        address = _ensure_node(node)
    token, link = _administrator(address)
    slug = f"{PROJECT}/{DATASET}"
    from tsunagu.client import connect

    with connect(address, token) as client:
        if _is_finished(client, slug):
            print(_say("again"), file=sys.stderr)
        else:
            _tour(client, node.home, steps)
    print(f"\n{_say('dataset')}:\n  {address}/d/{slug}")
    print(f"{_say('link') if '/welcome/' in link else _say('sign_in')}:\n  {link}")
    how = "make stop" if os.environ.get("MAKELEVEL") else f"tsunagu down --home {options.home}"
    print(_say("stop", how=how), flush=True)
    return 0


def _ensure_node(node: settings.Settings) -> str:
    """The address of the node that runs on this home, started if needed; it outlives this program."""
    found = running_node(node.home)
    if found and found.is_ready:
        return found.control
    node.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = node.home / "up.log"
    command = [
        sys.executable,
        "-m",
        "tsunagu.client",
        "up",
        "--home",
        str(node.home),
        "--port",
        str(node.port),
    ]
    with log.open("ab") as stream:
        size = stream.tell()
        child = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
        )
    deadline = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < deadline:
        if child.poll() is not None:
            said = log.read_bytes()[size:].decode("utf-8", "replace").strip().splitlines()
            raise TsunaguError(f"The node did not start. {said[-1] if said else ''}", remedy=f"See {log}.")
        found = running_node(node.home)
        if found and found.is_ready:
            return found.control
        time.sleep(0.1)
    raise TsunaguError(f"The node does not answer after {_START_WITHIN_S} s.", remedy=f"See {log}.")


def _administrator(address: str) -> tuple[str, str]:
    """A short-lived token of the administrator for this program, and where a person signs in."""
    import django

    django.setup()
    from tsunagu.foundation.identity import api as identity

    person = identity.ensure_person(ADMINISTRATOR, name="管理者 Administrator", is_admin=True)
    token = identity.issue_token(person.id, label="make run", lifetime=dt.timedelta(hours=1))
    if identity.has_own_sign_in(person.id):
        return token, f"{address}/accounts/login/"
    return token, f"{address}/welcome/{identity.make_sign_in_link(person.id)}"


def _is_finished(client: Any, slug: str) -> bool:
    from tsunagu.core.errors import NotFoundError

    try:
        return bool(client.dataset(slug).show().get("versions"))
    except (NotFoundError, TsunaguError) as error:
        if getattr(error, "status", 0) == NotFoundError.status:
            return False
        raise


def _tour(client: Any, home: Path, steps: Steps) -> None:
    from tsunagu.doors.cli import sample_lab

    lab = home / "sample-lab"
    with steps.step("lab"):
        missing = sample_lab.gather(lab, home / "cache" / "samples")
    for sentence in missing:
        print(f"  {_say('left_out', why=sentence)}", file=sys.stderr)
    with steps.step("project"):
        if PROJECT not in {project.name for project in client.projects()}:
            client.create_project(PROJECT, "見本の研究室 / Sample laboratory")
        token = _instrument(client.node, lab)
    with steps.step("push"):
        _capture(client.node.account.url, token, home)
    dataset = client.dataset(f"{PROJECT}/{DATASET}")
    with steps.step("read") as show:
        _wait_for_readings(dataset, show)
    with steps.step("describe"):
        _describe(dataset)
    with steps.step("freeze"):
        dataset.freeze("make run")


def _instrument(node: Any, lab: Path) -> str:
    """The instrument whose PC watches the sample folder; returns a token for its agent."""
    known = {card["name"] for card in node.pages("/instruments", "instruments")}
    if INSTRUMENT not in known:
        node.post("/instruments", {"name": INSTRUMENT, "title": "共用機器室 / Shared instruments"})
    rule = {"pattern": "**", "project": PROJECT, "dataset": DATASET}
    node.put(
        f"/instruments/{INSTRUMENT}/config", {"folders": [{"path": str(lab), "settle_s": 1, "rules": [rule]}]}
    )
    return str(node.post(f"/instruments/{INSTRUMENT}/token")["token"])


def _capture(address: str, token: str, home: Path) -> None:
    """What the instrument's PC does: the capture agent waits until the files are at rest, and sends them."""
    command = [sys.executable, "-m", "tsunagu.client.agent", "once", "--home", str(home / "sample-agent")]
    command += ["--url", address, "--token", token]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_READ_WITHIN_S)  # noqa: S603
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise TsunaguError(f"The capture agent did not end well: {said[-1] if said else done.returncode}")


def _wait_for_readings(dataset: Any, show: Callable[[str], None]) -> None:
    deadline = time.monotonic() + _READ_WITHIN_S
    while time.monotonic() < deadline:
        states = [file.status for file in dataset.files()]
        waiting = states.count("pending")
        show(f"{len(states) - waiting}/{len(states)}")
        if not waiting:
            return
        time.sleep(0.3)
    raise TsunaguError("The workers did not read the files in time.", remedy="See tsunagu check and up.log.")


def _describe(dataset: Any) -> None:
    """What a person would do: write title and description, take the sure proposals."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not any(True for _ in dataset.proposals()):
        time.sleep(0.3)  # the proposals are made once the last reading is in
    chosen = language()
    dataset.set("title", _TITLE[chosen])
    dataset.set("description", _DESCRIPTION[chosen])
    for proposal in list(dataset.proposals()):
        if proposal["name"] not in _OWN_WORDS and float(proposal.get("confidence", 0)) >= _SURE:
            dataset.decide(proposal["id"], "accept")


_OWN_WORDS = frozenset({"title", "description"})


def down(options: argparse.Namespace) -> int:
    """``tsunagu down``: stop the node of a home gently."""
    found = running_node(settings.current().home)
    if found is None:
        print(f"No node runs on {options.home}.")
        return 0
    found.stop()
    print(json.dumps({"stopped": found.pid}) if getattr(options, "json", False) else "The node has stopped.")
    return 0
