"""``tsunagu.stream(...)``: what somebody asks for, checked before a node is asked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tsunagu.client.account import resolve
from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text
from tsunagu.client.names import at_version
from tsunagu.streaming import forms
from tsunagu.streaming.plan import Shard
from tsunagu.streaming.reader import Stream, Wish
from tsunagu.streaming.where import parsed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tsunagu.client.workspace import Client


def stream(
    dataset: str,
    *,
    split: str = "train",
    batch: int = 256,
    shuffle: bool = False,
    seed: int = 0,
    form: str = "arrow",
    columns: Sequence[str] | None = None,
    where: str = "",
    window: int = 8192,
    shard: tuple[int, int] | None = None,
    even: bool = False,
    training: str = "",
    purpose: str = "training by tsunagu.stream",
    service: str = "local",
    cache: int = 2 << 30,
    client: Client | None = None,
) -> Stream:
    """Batches of the Parquet files of a frozen version, over HTTP.

    Args:
        dataset: ``PROJECT/DATASET`` (the newest frozen version) or ``PROJECT/DATASET@VERSION``.
        split: ``train``, ``validation``, ``test`` or another word in the files' names, or in their column ``split`` where
            no name says it; empty: every file.
        batch: Rows of a batch; the last one of an epoch may have fewer.
        shuffle: Another order in every epoch.
        seed: Names the orders; they are the same for the same seed on every machine.
        form: ``arrow`` (`pyarrow.RecordBatch`), ``numpy`` or ``torch`` (a dict of arrays or tensors per column).
        columns: Only these are fetched; None: all.
        where: Only rows for which it holds, as in SQL: ``"label is not null and temperature >= 300"``. Row groups that
            cannot hold one are not fetched; of the others the columns that it names are read when the stream is opened.
        window: Rows that are shuffled among each other at least; 64 MiB of them at most.
        shard: This process's number, from 0, and how many there are; None: ``RANK`` and ``WORLD_SIZE``, as torchrun sets.
        even: Every shard stops after as many rows as the smallest has, so that no process waits for another.
        training: Its name, the same in all its processes; otherwise ``TSUNAGU_TRAINING``. Providers of the data see it.
        purpose: What for, in words; answers of people about a use by AI hold for these words.
        service: Where the training runs: a name in the node's register of AI services.
        cache: Bytes on this machine's disk for what was fetched; 0: none. Never used for sealed datasets.
        client: The node and who asks; None: as `tsunagu.connect` finds them.

    Raises:
        TsunaguError: no token is known, or an argument is impossible; what the node refuses comes with the first batch.
    """
    name, version = at_version(dataset)
    mine = Shard(*(shard or (int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))))
    training, only = training or os.environ.get("TSUNAGU_TRAINING", ""), tuple(columns or ()) or None
    order = (shuffle, seed, window, batch, form, even)
    wish = Wish(name, version, split, only, *order, training, purpose, service, cache, where)
    _check(wish, mine)
    return Stream(client.node.account if client is not None else resolve(), wish, mine)


def _check(wish: Wish, shard: Shard) -> None:
    checks = {
        "form": wish.form in forms.FORMS,
        "batch": wish.batch > 0,
        "window": wish.window > 0,
        "shard": 0 <= shard.number < shard.count,
        "cache": wish.cache_bytes >= 0,
    }
    if wish.where.strip():
        parsed(wish.where)  # a slip of the pen is said before anything is opened
    for name, is_good in checks.items():
        if not is_good:
            raise UsageError(text("stream_bad_argument", name=name))
