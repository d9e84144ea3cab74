"""The tus server against a plain model: any sequence of requests, cuts and restarts."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import random
import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tsunagu.dataplane.tests.kit import Answer, ByteNode, path_of, tus_headers

OCTETS = "application/offset+octet-stream"
SIZES = st.sampled_from([0, 1, 2, 4095, 4096, 65_537, 300_000, 1_048_576, 1_048_577, 5_000_000])


class Model:
    """What a plain tus server would know about one upload."""

    def __init__(self, place: str, path: str, data: bytes, *, is_hash_wrong: bool) -> None:
        self.place = place
        self.path = path
        self.data = data
        self.offset = 0
        self.is_gone = False
        self.is_hash_wrong = is_hash_wrong

    @property
    def is_whole(self) -> bool:
        return self.offset == len(self.data)


class TusMachine(RuleBasedStateMachine):
    """Each rule does one thing to the server and to the model."""

    uploads = Bundle("uploads")
    node: ByteNode

    @initialize()
    def begin(self) -> None:
        self.models: list[Model] = []
        self.committed: dict[str, bytes] = {}
        self.random = random.Random(7)

    @rule(target=uploads, size=SIZES, is_hash_wrong=st.booleans(), announces=st.booleans())
    def create(self, size: int, *, is_hash_wrong: bool, announces: bool) -> Model | None:
        data = self.random.randbytes(size)
        path = f"{id(self)}/{len(self.models)}"
        digest = "0" * 64 if is_hash_wrong else hashlib.sha256(data).hexdigest()
        values = {"path": path, **({"sha256": digest} if announces else {})}
        metadata = ",".join(
            f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items()
        )
        answer = self.node.ask(
            "POST",
            "/tus",
            **tus_headers(self.node.token(), Upload_Length=str(size), Upload_Metadata=metadata),
        )
        is_refused = announces and is_hash_wrong and not size
        assert answer.status == (460 if is_refused else 201), answer
        place = path_of(answer.headers["Location"] or "/tus/none")
        model = Model(place, path, data, is_hash_wrong=announces and is_hash_wrong)
        model.is_gone = is_refused
        self.models.append(model)
        if not size and not is_refused:
            self.committed[path] = data
        return model

    @rule(model=uploads, size=SIZES, checksum=st.sampled_from(["", "right", "wrong"]))
    def send(self, model: Model, size: int, checksum: str) -> None:
        body = model.data[model.offset : model.offset + size]
        headers = {}
        if checksum:
            digest = hashlib.sha1(body if checksum == "right" else b"other" + body).digest()
            headers["Upload_Checksum"] = f"sha1 {base64.b64encode(digest).decode()}"
        answer = self._patch(model, model.offset, body, **headers)
        if model.is_gone:
            assert answer.status == 404
        elif checksum == "wrong" and not model.is_whole:
            assert answer.status == 460
        else:
            self._advance(model, len(body), answer)

    @rule(model=uploads, where=st.integers(0, 6_000_000))
    def send_from_elsewhere(self, model: Model, where: int) -> None:
        if where == model.offset:
            return
        answer = self._patch(model, where, b"zzz")
        assert answer.status == (404 if model.is_gone else 409)

    @rule(model=uploads)
    def send_too_much(self, model: Model) -> None:
        left = model.data[model.offset :]
        answer = self._patch(model, model.offset, left + b"more")
        assert answer.status == (404 if model.is_gone else 413)

    @rule(model=uploads, share=st.sampled_from([0.0, 0.001, 0.5, 0.999]), has_checksum=st.booleans())
    def cut(self, model: Model, share: float, *, has_checksum: bool) -> None:
        """Announce everything that is left, send some of it, go away."""
        left = model.data[model.offset :]
        if model.is_gone or not left:
            return
        sent = left[: min(int(len(left) * share), len(left) - 1)]
        extra = "Upload-Checksum: sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=\r\n" if has_checksum else ""
        head = (
            f"PATCH {model.place} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.node.token()}\r\n"
            f"Tus-Resumable: 1.0.0\r\nContent-Type: {OCTETS}\r\nUpload-Offset: {model.offset}\r\n{extra}"
            f"Content-Length: {len(left)}\r\n\r\n"
        ).encode()
        with self.node.raw() as connection:
            connection.sendall(head + sent)
            connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(OSError):
                while connection.recv(65536):
                    pass
        if not has_checksum:
            model.offset += len(sent)

    @rule(model=uploads)
    def terminate(self, model: Model) -> None:
        answer = self.node.ask("DELETE", model.place, **tus_headers(self.node.token()))
        assert answer.status == (404 if model.is_gone else 204)
        model.is_gone = True

    @rule(is_killed=st.booleans())
    def restart(self, *, is_killed: bool) -> None:
        if is_killed:
            self.node.kill()
        else:
            self.node.stop()
        self.node.start()

    @invariant()
    def offsets_and_contents_agree(self) -> None:
        for model in getattr(self, "models", [])[-3:]:
            answer = self.node.ask("HEAD", model.place, **tus_headers(self.node.token()))
            if model.is_gone:
                assert answer.status == 404
            else:
                assert answer.headers["Upload-Offset"] == str(model.offset)
                assert answer.headers["Upload-Length"] == str(len(model.data))
        for path, data in list(getattr(self, "committed", {}).items())[-3:]:
            assert self.node.content(path) == data
        rows = self.node.control.rows()
        for model in getattr(self, "models", []):
            assert (model.path in rows) == (model.path in self.committed), (
                "only whole, right files are claimed"
            )

    def _patch(self, model: Model, offset: int, body: bytes, **headers: str) -> Answer:
        fixed = tus_headers(self.node.token(), Upload_Offset=str(offset), Content_Type=OCTETS)
        return self.node.ask("PATCH", model.place, body, **fixed, **headers)

    @staticmethod
    def _is_last(model: Model, count: int) -> bool:
        return model.offset + count == len(model.data)

    def _advance(self, model: Model, count: int, answer: Answer) -> None:
        if self._is_last(model, count) and model.is_hash_wrong:
            assert answer.status == 460
            model.is_gone = True
            return
        assert answer.status == 204, answer
        model.offset += count
        assert answer.headers["Upload-Offset"] == str(model.offset)
        if model.is_whole:
            assert answer.headers["Tsunagu-Sha256"] == hashlib.sha256(model.data).hexdigest()
            self.committed[model.path] = model.data


@pytest.mark.parametrize("kind", ["plain", "sealed"])
@pytest.mark.parametrize("examples", [5, pytest.param(30, marks=pytest.mark.crash)])
def test_the_tus_server_equals_a_plain_model(examples: int, kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        node = ByteNode(Path(folder) / "n", is_sealed=kind == "sealed")
        node.start()
        TusMachine.node = node
        try:
            run_state_machine_as_test(
                TusMachine,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=25,
                    deadline=None,
                    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
                ),
            )
        finally:
            node.close()
