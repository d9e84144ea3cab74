"""Frames between the node's worker and the process that reads a file: length, JSON, then blobs."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

from tsunagu.formats.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

_LENGTHS = struct.Struct("=II")


class FrameError(ValueError):
    """The other side sent something that is no frame, or more than the cap."""


def pack(message: dict[str, Any], blobs: dict[str, bytes] | None = None) -> bytes:
    """One message with its blobs as bytes."""
    blobs = blobs or {}
    text = json.dumps(
        {**message, "blobs": [[name, len(blob)] for name, blob in blobs.items()]},
        ensure_ascii=False,
        allow_nan=False,
    ).encode()
    body = b"".join(blobs.values())
    return _LENGTHS.pack(len(text), len(body)) + text + body


def unpack(receive: Callable[[int], bytes], *, cap: int) -> tuple[dict[str, Any], dict[str, bytes]] | None:
    """Read one message by ``receive(n)``, which gives exactly n bytes, or fewer at the end.

    Returns ``None`` when the other side closed without a word.

    Raises:
        FrameError: half a frame, or one larger than ``cap`` bytes.
    """
    header = receive(_LENGTHS.size)
    if not header:
        return None
    if len(header) < _LENGTHS.size:
        raise FrameError("half a header")
    text_length, body_length = _LENGTHS.unpack(header)
    if text_length + body_length > cap:
        raise FrameError(f"a result of {text_length + body_length:,} bytes; the limit is {cap:,}")
    data = receive(text_length + body_length)
    if len(data) < text_length + body_length:
        raise FrameError("half a message")
    try:
        message = json.loads(data[:text_length])
        blobs, start = {}, text_length
        for name, size in message.pop("blobs"):
            blobs[str(name)] = data[start : start + int(size)]
            start += int(size)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FrameError(f"not a message: {error}") from error
    return message, blobs


def pack_outcome(outcome: Outcome) -> bytes:
    """An outcome with its pictures."""
    return pack({"outcome": outcome.as_json()}, outcome.blobs())


def outcome_of(message: dict[str, Any], blobs: dict[str, bytes]) -> Outcome:
    """An outcome from a process that may have been taken over by the file it read: types are checked.

    Raises:
        FrameError: it is none.
    """
    try:
        outcome = Outcome.from_json(message["outcome"], blobs)
        for field in outcome.reading.fields:
            _require(isinstance(field.key, str) and isinstance(field.where, str))
            values = field.value if isinstance(field.value, tuple) else (field.value,)
            _require(all(value is None or isinstance(value, (str, int, float, bool)) for value in values))
        _require(all(isinstance(warning, str) for warning in outcome.reading.warnings))
        _require(isinstance(outcome.reason, str) and isinstance(outcome.duration_s, (int, float)))
        _require(all(blob.startswith(b"\x89PNG\r\n\x1a\n") for blob in outcome.blobs().values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FrameError(f"not an outcome: {error}") from error
    return outcome


def _require(condition: bool) -> None:  # noqa: FBT001 - an assertion that stays on under -O
    if not condition:
        raise FrameError("a value of the wrong type")
