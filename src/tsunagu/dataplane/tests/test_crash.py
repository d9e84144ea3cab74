"""Kills the byte server at random moments while two clients push: what was acknowledged is there and whole."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import random
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tsunagu.core.ids import new_id
from tsunagu.dataplane import find_garbage
from tsunagu.dataplane.tests.kit import ByteNode, bundle, path_of, tus_headers
from tsunagu.dataplane.tests.test_tus import create, head, patch

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 30


class Pusher(threading.Thread):
    """Pushes until it is told to stop; whatever was not acknowledged is sent again under the same id."""

    def __init__(self, node: ByteNode, seed: int) -> None:
        super().__init__()
        self.node = node
        self.random = random.Random(seed)
        self.acknowledged: dict[str, bytes] = {}
        self.is_over = threading.Event()
        self.seed = seed

    def run(self) -> None:
        number = 0
        while not self.is_over.is_set():
            number += 1
            name = f"{self.seed}/{number}"
            if self.random.random() < 0.5:
                self._push_bundle(name)
            else:
                self._push_file(name)

    def _push_bundle(self, name: str) -> None:
        files = [
            (f"{name}/{part}", self.random.randbytes(self.random.choice([0, 10, 4096, 300_000])))
            for part in range(20)
        ]
        unit = new_id()
        while not self.is_over.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.node.send_bundle(bundle(files), unit).status == 201:
                    self.acknowledged.update(files)
                    return
            time.sleep(0.02)

    def _push_file(self, name: str) -> None:
        data = self.random.randbytes(self.random.choice([1, 100_000, 6_000_000]))
        place = ""
        while not self.is_over.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                if not place:
                    place = path_of(create(self.node, name, len(data)).headers["Location"] or "")
                offset = int(head(self.node, place).headers["Upload-Offset"])
                body = data[offset : offset + self.random.choice([50_000, 2_000_000, 10_000_000])]
                answer = patch(self.node, place, offset, body)
                if answer.status == 204 and offset + len(body) == len(data):
                    assert answer.headers["Tsunagu-Sha256"] == hashlib.sha256(data).hexdigest()
                    self.acknowledged[name] = data
                    return
                continue
            time.sleep(0.02)


@pytest.mark.crash
@pytest.mark.parametrize("kind", ["plain", "sealed"])
def test_what_was_acknowledged_survives_kills(tmp_path: Path, kind: str) -> None:
    node = ByteNode(tmp_path / "n", is_sealed=kind == "sealed")
    chance = random.Random(int(os.environ.get("TSUNAGU_TEST_SEED", "1")))
    node.start()
    pushers = [Pusher(node, seed) for seed in (1, 2)]
    for pusher in pushers:
        pusher.start()
    try:
        for _ in range(KILLS):
            time.sleep(chance.random() * 0.4)
            node.kill()
            node.start()
        time.sleep(0.5)
    finally:
        for pusher in pushers:
            pusher.is_over.set()
        for pusher in pushers:
            pusher.join()
    try:
        _judge(node, pushers)
    finally:
        node.close()


def _judge(node: ByteNode, pushers: list[Pusher]) -> None:
    acknowledged = pushers[0].acknowledged | pushers[1].acknowledged
    assert len(acknowledged) > KILLS
    for path, data in acknowledged.items():
        assert node.content(path) == data
    for path, (size, sha256, _, _) in node.control.rows().items():
        data = node.content(path)
        assert (len(data), hashlib.sha256(data).hexdigest()) == (size, sha256), (
            "nothing half-written is claimed"
        )
    for upload_id in [file.stem for file in (node.home / "spool" / "uploads").glob("*.json")]:
        node.ask("DELETE", f"/tus/{upload_id}", **tus_headers(node.token()))
    spool = node.settings.spool_dir
    for item in list(find_garbage(node.store, spool, set(node.control.objects).intersection, min_age_s=0)):
        node.store.delete(item.key)
    assert node.stored_keys() == set(node.control.objects), "leftovers are swept, nothing else"
