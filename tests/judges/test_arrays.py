"""Scans that were pushed come back as one array: zarr-python and xarray open it from a pulled copy and over HTTP."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import xarray
import zarr

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def scans(node, tmp_path_factory):
    """Three maps of one detector and a table, frozen and made AI-ready."""
    folder = tmp_path_factory.mktemp("maps")
    rng = np.random.default_rng(8)
    counts = rng.poisson(40, (3, 64, 200, 300)).astype("u2")
    for number in range(3):
        with h5py.File(folder / f"map{number}.h5", "w") as file:
            data = file.create_dataset(
                "counts", data=counts[number], chunks=(1, 200, 300), compression="gzip"
            )
            data.attrs["units"] = "counts"
            file["energy"] = np.linspace(7, 8, 64)
            file["energy"].make_scale("energy")
            data.dims[0].attach_scale(file["energy"])
    (folder / "log.csv").write_text("time,Temp (°C)\n2026-03-05 10:00:00,20.5\n2026-03-05 10:01:00,21\n")
    node.run("push", str(folder), "lab/maps")
    node.wait_for_readings("lab/maps")
    node.run("freeze", "lab/maps")
    card = node.json("ready", "lab/maps")
    assert card["preparation"]["state"] == "done", card["preparation"]
    assert not card["profile"]["problems"]
    return counts


def test_a_pulled_copy_opens_in_xarray(node, scans, tmp_path):
    node.run("pull", "lab/maps-ready", str(tmp_path / "out"))
    with xarray.open_zarr(tmp_path / "out" / "arrays" / "map.zarr") as found:
        assert found["counts"].dims == ("file", "energy", "counts_2", "counts_3")
        np.testing.assert_array_equal(found["counts"].isel(file=1).values, scans[1])
        assert found["source_file"].values.tolist() == [f"map{n}.h5" for n in range(3)]
        assert found["counts"].attrs["units"] == "counts"
    assert len(list((tmp_path / "out" / "arrays").rglob("*"))) < 30


def test_parts_are_read_over_http(node, scans):
    """By ranges, from the address that the documentation names; a stranger only once it is open."""
    address = f"{node.url}/datasets/lab/maps-ready/resolve/main/arrays/map.zarr"
    store = zarr.storage.FsspecStore.from_url(address, read_only=True)
    with pytest.raises(zarr.errors.GroupNotFoundError):
        zarr.open_consolidated(store, mode="r")
    for name in ("maps", "maps-ready"):
        assert node.api("PATCH", f"/datasets/lab/{name}", {"access": "open"})[0] == 200
    headers = {"client_kwargs": {"headers": {"Authorization": f"Bearer {node.token}"}}}
    for options in ({}, headers):
        store = zarr.storage.FsspecStore.from_url(address, storage_options=options, read_only=True)
        found = zarr.open_consolidated(store, mode="r")
        np.testing.assert_array_equal(found["counts"][2, 10:12, 50:60], scans[2, 10:12, 50:60])
