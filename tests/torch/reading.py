"""What somebody who trains with PyTorch does; run by a Python that has it: ``python3 reading.py WHAT JSON``, answers JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

import tsunagu


def _stream(wish: dict[str, Any], **more: Any) -> Any:
    client = tsunagu.connect(wish["url"], wish["token"])
    columns = ["id", "spectrum"]
    return tsunagu.stream(wish["dataset"], client=client, form="torch", columns=columns, **more)


def _ids(batches: Any) -> list[int]:
    return [int(value) for batch in batches for value in batch["id"]]


def loaders(wish: dict[str, Any]) -> dict[str, list[int]]:
    """An epoch by each kind of loader."""
    kinds: dict[str, dict[str, Any]] = {
        "none": {"num_workers": 0},
        "fork": {"num_workers": 2, "multiprocessing_context": "fork"},
        "spawn": {"num_workers": 2, "multiprocessing_context": "spawn"},
        "pinned": {"num_workers": 3, "prefetch_factor": 4},
    }
    found = {}
    for name, options in kinds.items():
        with _stream(wish, shuffle=True, batch=100, training=f"torch-{name}") as stream:
            batches = list(DataLoader(stream.torch_dataset(), batch_size=None, **options))
        assert batches[0]["spectrum"].shape == (100, 16)
        assert batches[0]["spectrum"].dtype == torch.float32
        found[name] = _ids(batches)
    return found


def epochs(wish: dict[str, Any]) -> list[list[int]]:
    """Three epochs with workers that live on."""
    with _stream(wish, shuffle=True, batch=256) as stream:
        loader = DataLoader(stream.torch_dataset(), batch_size=None, num_workers=2, persistent_workers=True)
        return [_ids(loader) for _ in range(3)]


def resumed(wish: dict[str, Any]) -> list[list[int]]:
    """What was read before a checkpoint, and after it in another stream; the checkpoint goes through torch.save."""
    place = Path(wish["folder"], "checkpoint.pt")
    with _stream(wish, shuffle=True, seed=3, batch=128) as stream:
        coming = iter(DataLoader(stream.torch_dataset(), batch_size=None))
        before = [next(coming) for _ in range(7)]
        torch.save({"stream": stream.state_dict()}, place)
    with _stream(wish, shuffle=True, seed=3, batch=128) as stream:
        stream.load_state_dict(torch.load(place)["stream"])
        after = list(DataLoader(stream.torch_dataset(), batch_size=None))
    return [_ids(before), _ids(after)]


def trained(wish: dict[str, Any]) -> list[float]:
    """The loss of a line through the sums of the spectra, before and after some epochs of real steps."""
    torch.manual_seed(0)
    model = torch.nn.Linear(16, 1)
    steps = torch.optim.Adam(model.parameters(), lr=0.05)
    losses = []
    with _stream(wish, shuffle=True, batch=256) as stream:
        loader = DataLoader(stream.torch_dataset(), batch_size=None, num_workers=1)
        for _epoch in range(3):
            for batch in loader:
                batch["spectrum"] -= 0.5  # what comes is one's own: nothing read-only lies beneath
                loss = ((model(batch["spectrum"])[:, 0] - batch["spectrum"].sum(dim=1)) ** 2).mean()
                steps.zero_grad()
                loss.backward()
                steps.step()
                losses.append(float(loss))
    return [losses[0], losses[-1]]


def rank(wish: dict[str, Any]) -> list[int]:
    """One process of torchrun: its share, by the variables that torchrun sets; all are one use."""
    with _stream(wish, shuffle=True, batch=100, even=True, training="torchrun") as stream:
        found = _ids(DataLoader(stream.torch_dataset(), batch_size=None, num_workers=1))
    Path(wish["folder"], f"rank{os.environ['RANK']}.json").write_text(json.dumps(found))
    return found


def forms(_wish: dict[str, Any]) -> dict[str, list[Any]]:
    """Types and shapes of every kind of column."""
    import numpy as np
    import pyarrow as pa

    from tsunagu.streaming import forms as made

    batch = pa.record_batch(
        {
            "n": pa.array([1, 2, 3], pa.int32()),
            "gap": pa.array([1, None, 3], pa.int64()),
            "text": ["a", "い", None],
            "image": pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(12, dtype="u1").reshape(3, 2, 2)),
        }
    )
    found = made.maker("torch", {"gap"})(batch)
    found["n"][0] = 9
    assert batch.column("n")[0].as_py() == 1
    tensors = {name: one for name, one in found.items() if isinstance(one, torch.Tensor)}
    return {name: [str(one.dtype), list(one.shape)] for name, one in tensors.items()}


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](json.loads(sys.argv[2]))), flush=True)
    os._exit(0)  # pyarrow aborts now and then while Python takes itself apart
