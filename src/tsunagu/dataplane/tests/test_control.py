"""What the byte server may conclude when control falls silent: an object is removed only if nobody can know it."""

from __future__ import annotations

import socket
import threading

import pytest

from tsunagu.core.capabilities import Signer
from tsunagu.dataplane.control import Commit, Control, ControlSilentError

COMMIT = Commit("R", "D", "U", "ab/K", 1, "pack", [("a", 1, "0" * 64, 0)])
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def read_request(connection: socket.socket) -> bytes:
    """One whole request with its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return body


def test_a_commit_that_control_may_have_heard_counts_as_sent() -> None:
    """Control answers once, hears the second commit on the kept connection, and is killed before it answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def control() -> None:
        connection, _ = listener.accept()
        heard.append(read_request(connection))
        connection.sendall(ANSWER)
        heard.append(read_request(connection))
        listener.close()
        connection.close()

    thread = threading.Thread(target=control)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    caller = Control(url, Signer(b"k" * 32), timeout_s=10)
    assert caller.commit(COMMIT) == {}
    with pytest.raises(ControlSilentError) as silent:
        caller.commit(COMMIT)
    thread.join()
    assert len(heard) == 2
    assert silent.value.was_sent, "the rows may be written: the object must stay"


def test_a_commit_that_found_nobody_was_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ControlSilentError) as silent:
        Control(f"http://127.0.0.1:{port}", Signer(b"k" * 32), timeout_s=5).commit(COMMIT)
    assert not silent.value.was_sent
