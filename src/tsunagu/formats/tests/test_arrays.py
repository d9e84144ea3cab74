"""Arrays become Zarr that zarr-python and xarray read: every number, name, unit and origin; what differs stays apart."""

from __future__ import annotations

import math

import h5py
import numpy as np
import pytest
import xarray
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from tsunagu.formats import api as formats
from tsunagu.formats.arrays.grid import choose
from tsunagu.formats.arrays.stack import Stack
from tsunagu.formats.arrays.zarr import ZarrWriter, crc32c
from tsunagu.formats.sandbox.converter import _is_inside
from tsunagu.formats.tests.built import build
from tsunagu.formats.tests.making import planned_arrays, store_behind_walls, store_in


def made(folder, target):
    """Name -> the opened store and how it was made."""
    found = {}
    for plan in planned_arrays(folder).stores:
        how = formats.settle_store(plan, store_in(folder, target))
        found[plan.name] = (zarr.open_consolidated(how.result, mode="r"), how)
    return found


def only(folder, target):
    ((store, how),) = made(folder, target).values()
    return store, how


SHAPES = st.lists(st.integers(1, 20), min_size=1, max_size=4).map(tuple)


@settings(max_examples=40, deadline=None)
@given(
    SHAPES,
    st.booleans(),
    st.sampled_from(["uint8", "int32", "float64", "complex64", "bool"]),
    st.none() | st.integers(1, 9),
    st.sampled_from([4000, 1 << 20]),
)
def test_any_shape_comes_back(tmp_path_factory, shape, is_reversed, dtype, native, shard_bytes):
    values = (np.arange(math.prod(shape)) % 7).reshape(shape).astype(dtype)
    parts = tuple(native for _ in shape) if native else None
    grid = choose(
        shape, values.dtype.itemsize, native=parts, is_reversed=is_reversed, shard_bytes=shard_bytes
    )
    assert all(whole % part == 0 for whole, part in zip(grid.shard, grid.chunk, strict=True))
    folder = tmp_path_factory.mktemp("store")
    files = {}
    writer = ZarrWriter(lambda path, piece: files.setdefault(path, []).append(piece))
    for place, extent in grid.shards():
        writer.block("a", grid, place, values[extent], values.dtype.type(0))
    writer.array("a", grid, values.dtype, values.dtype.type(0), dimensions=["d"] * len(shape), attributes={})
    writer.close({})
    for path, pieces in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"".join(pieces))
    found = zarr.open_group(folder, mode="r")["a"]
    assert found.shape == shape
    np.testing.assert_array_equal(found[...], values)


@given(
    SHAPES.map(lambda shape: tuple(n * 800 for n in shape)),
    st.none() | st.lists(st.integers(1, 500), min_size=4, max_size=4),
)
def test_shards_are_bounded_and_runs_of_their_source(shape, native):
    parts = tuple(native[: len(shape)]) if native else None
    grid = choose(shape, 8, native=parts)
    assert math.prod(min(a, b) for a, b in zip(grid.shard, shape, strict=True)) * 8 <= 80 << 20
    assert math.prod(grid.chunk) * 8 <= 16 << 20
    if parts is None:
        # Single steps, one part of an axis, whole axes.
        kinds = [
            "whole" if s >= n else "one" if s == 1 else "part" for s, n in zip(grid.shard, shape, strict=True)
        ]
        assert "".join(kind[0] for kind in kinds).lstrip("o").lstrip("p").strip("w") == ""
        assert kinds.count("part") <= 1


def test_the_check_of_an_index_is_that_of_the_standard():
    """RFC 3720, B.4."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(bytes(range(32))) == 0x46DD794E


NAMES = (
    "brain.nii.gz", "cells.ome.tif", "grid.npy", "grids.npz", "photo.tif", "sky.fits", "slice.dcm",
)  # fmt: skip


def test_a_nexus_scan_keeps_groups_axes_units_and_attributes(tmp_path):
    rng = np.random.default_rng(3)
    counts = rng.poisson(20, (30, 64, 48)).astype("u2")
    with h5py.File(tmp_path / "scan.nxs", "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["title"] = "map of LFP"
        user = entry.create_group("user")
        user.attrs["NX_class"] = "NXuser"
        user["name"] = "Sato Hanako"
        data = entry.create_group("data")
        data.attrs.update(NX_class="NXdata", signal="counts", axes=["energy", ".", "x"])
        data.create_dataset("counts", data=counts, chunks=(1, 64, 48), compression="gzip")
        data["counts"].attrs.update(units="counts", long_name="detector counts")
        data["energy"] = np.linspace(7, 8, 30)
        data["energy"].attrs["units"] = "keV"
        data["x"] = np.arange(48.0)
        data["x"].attrs["units"] = "mm"
        file["labels"] = np.array(["a", "b", "試料"], dtype=h5py.string_dtype())
        file["entry/outside"] = h5py.ExternalLink("/etc/passwd", "/x")
    store, how = only(tmp_path, tmp_path / "out")
    np.testing.assert_array_equal(store["entry/data/counts"][...], counts)
    assert store["entry/data/counts"].metadata.dimension_names == ("energy", "counts_1", "x")
    assert store["entry/data/energy"].attrs["units"] == "keV"
    assert store["entry/data"].attrs["NX_class"] == "NXdata"
    assert store["labels"][...].tolist() == ["a", "b", "試料"]
    assert store.attrs["metadata"]["/entry/title"]["value"] == "map of LFP"
    assert "Sato" not in str(dict(store.attrs))
    with xarray.open_zarr(how.result, group="entry/data", consolidated=False) as data:
        assert data["counts"].dims == ("energy", "counts_1", "x")
        assert float(data["counts"].sel(energy=7.0, x=3.0).sum()) == counts[0, :, 3].sum()
    (array,) = [one for one in how.profile.arrays if one.path == "entry/data/counts"]
    assert (array.minimum, array.maximum) == (counts.min(), counts.max())
    assert array.mean == pytest.approx(counts.mean())
    assert array.deviation == pytest.approx(counts.std())


@pytest.mark.parametrize("form", ["NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"])
def test_netcdf_reads_in_xarray_as_before(tmp_path, form):
    import netCDF4

    with netCDF4.Dataset(tmp_path / "sea.nc", "w", format=form) as file:
        file.title = "sea surface"
        for name, size in (("time", None), ("lat", 20), ("lon", 30)):
            file.createDimension(name, size)
        time = file.createVariable("time", "f8", ("time",))
        time.units = "days since 2026-01-01"
        time[:] = np.arange(4.0)
        for name in ("lat", "lon"):
            variable = file.createVariable(name, "f4", (name,))
            variable.units = "degrees"
            variable[:] = np.arange(variable.size)
        packed = file.createVariable("sst", "i2", ("time", "lat", "lon"), fill_value=-999)
        packed.units, packed.scale_factor, packed.add_offset = "K", 0.01, 273.15
        values = np.ma.masked_less(np.random.default_rng(1).uniform(270, 300, (4, 20, 30)), 272)
        packed[:] = values
        wind = file.createVariable("wind", "f4", ("time", "lat", "lon"), fill_value=np.float32(1e20))
        wind[:] = values
    _, how = only(tmp_path, tmp_path / "out")
    with (
        xarray.open_dataset(tmp_path / "sea.nc", engine="netcdf4") as there,
        xarray.open_zarr(how.result) as here,
    ):
        for name in ("sst", "wind", "time", "lat"):
            np.testing.assert_array_equal(here[name].values, there[name].values)
            assert here[name].dims == there[name].dims
            assert here[name].attrs.get("units") == there[name].attrs.get("units")
        assert here.attrs["title"] == "sea surface"
    counts = {one.name: one.fill_count for one in how.profile.arrays}
    assert counts["sst"] == counts["wind"] == values.mask.sum() > 0


def test_images_of_other_kinds_come_through(tmp_path):
    import nibabel as nib
    import tifffile
    from astropy.io import fits

    rng = np.random.default_rng(5)
    planes = rng.integers(0, 4000, (6, 50, 70), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "cells.tif", planes, compression="zlib", metadata={"axes": "ZYX"}, ome=True)
    volume = rng.normal(size=(9, 10, 11)).astype("f4")
    nib.Nifti1Image(volume, np.diag([2.0, 2.0, 3.0, 1.0])).to_filename(tmp_path / "brain.nii.gz")
    header = fits.Header({"BUNIT": "adu", "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    fits.HDUList(
        [fits.PrimaryHDU(planes[0], header), fits.CompImageHDU(planes[1].astype("i4"), name="MASK")]
    ).writeto(tmp_path / "field.fits")
    np.save(tmp_path / "turned.npy", np.asfortranarray(volume))
    np.savez(tmp_path / "several.npz", a=planes[0], b=volume)
    found = made(tmp_path, tmp_path / "out")
    np.testing.assert_array_equal(found["cells"][0]["series 0".replace(" ", "-")][...], planes)
    assert found["cells"][0]["series-0"].metadata.dimension_names == ("z", "y", "x")
    brain = found["brain"][0]["image"]
    np.testing.assert_allclose(brain[...], volume)
    assert brain.attrs["voxel_size"] == [2.0, 2.0, 3.0]
    np.testing.assert_array_equal(found["field"][0]["HDU-0-PRIMARY"][...], planes[0])
    np.testing.assert_array_equal(found["field"][0]["HDU-1-MASK"][...], planes[1])
    assert found["field"][0]["HDU-0-PRIMARY"].attrs["units"] == "adu"
    assert found["field"][0]["HDU-0-PRIMARY"].metadata.dimension_names == ("dec", "ra")
    np.testing.assert_array_equal(found["turned"][0]["array"][...], volume)
    np.testing.assert_array_equal(found["several"][0]["b"][...], volume)


def test_a_dicom_series_becomes_one_array(tmp_path):
    for number in range(3):
        build("slice.dcm", tmp_path).rename(tmp_path / f"slice{number}.dcm")
    import pydicom

    store, how = only(tmp_path, tmp_path / "out")
    pixels = pydicom.dcmread(tmp_path / "slice0.dcm").pixel_array
    assert store["PixelData"].shape == (3, *pixels.shape)
    np.testing.assert_array_equal(store["PixelData"][1], pixels)
    assert how.plan.is_stack
    text = str(store.metadata.to_dict())
    assert "PatientName" not in text


def scan(path, *, size=40, unit="counts", seed=0, axis=None):
    rng = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        file["counts"] = rng.poisson(9, (size, 30)).astype("u4")
        file["counts"].attrs["units"] = unit
        file["energy"] = np.linspace(0, 1, size) if axis is None else axis
        file["energy"].make_scale("energy")
        file["counts"].dims[0].attach_scale(file["energy"])
        file["exposure_time"] = 0.5 + seed
        file["exposure_time"].attrs["units"] = "s"


def test_files_of_one_instrument_become_one_store(tmp_path):
    for number in range(5):
        scan(tmp_path / f"run{number}.h5", seed=number)
    store, how = only(tmp_path, tmp_path / "out")
    assert store["counts"].shape == (5, 40, 30)
    assert store["counts"].metadata.dimension_names == ("file", "energy", "counts_2")
    assert store["energy"].shape == (40,), "the same in all of them: once"
    assert store["source_file"][...].tolist() == [f"run{number}.h5" for number in range(5)]
    for number in range(5):
        with h5py.File(tmp_path / f"run{number}.h5") as file:
            np.testing.assert_array_equal(store["counts"][number], file["counts"][...])
    assert how.profile.file_count == 5
    with xarray.open_zarr(how.result) as data:
        assert data["counts"].isel(file=2).sel(energy=1.0).shape == (30,)


@pytest.mark.parametrize("held_bytes", [1, 20_000, 1 << 20])
def test_what_is_held_between_files_is_bounded_and_changes_nothing(tmp_path, monkeypatch, held_bytes):
    monkeypatch.setattr("tsunagu.formats.arrays.stack._HELD_BYTES", held_bytes)
    held = []
    take = Stack._take

    def watched(self, layer, array):
        take(self, layer, array)
        held.append(sum(one.held.nbytes for one in self._layers if one.held is not None))

    monkeypatch.setattr(Stack, "_take", watched)
    for number in range(5):
        scan(tmp_path / f"run{number}.h5", seed=number)
    store, _ = only(tmp_path, tmp_path / "out")
    assert max(held) <= held_bytes
    for number in range(5):
        with h5py.File(tmp_path / f"run{number}.h5") as file:
            np.testing.assert_array_equal(store["counts"][number], file["counts"][...])


def test_axes_that_differ_are_kept_for_each_file(tmp_path):
    for number in range(3):
        scan(tmp_path / f"run{number}.h5", axis=np.linspace(0, 1 + (number == 2), 40))
    store, how = only(tmp_path, tmp_path / "out")
    assert store["energy"].shape == (3, 40)
    np.testing.assert_allclose(store["energy"][:, -1], [1, 1, 2])
    with xarray.open_zarr(how.result) as data:
        assert data["energy"].dims == ("file", "energy")
        assert data["counts"].dims == ("file", "energy", "counts_2")


def test_other_shapes_and_units_stay_apart_and_are_named(tmp_path):
    scan(tmp_path / "a1.h5")
    scan(tmp_path / "a2.h5")
    scan(tmp_path / "a3.h5", size=41)
    scan(tmp_path / "a4.h5", unit="mV")
    plan = planned_arrays(tmp_path)
    assert sorted(len(store.sources) for store in plan.stores) == [1, 1, 2]
    assert len({store.path for store in plan.stores}) == 3
    said = {(one.array, one.what): dict(one.values) for one in plan.conflicts}
    assert said["/counts", "shape"] == {"40 x 30": 3, "41 x 30": 1}
    assert said["/counts", "unit"] == {"count": 3, "mV": 1}


def test_a_damaged_file_of_a_series_is_left_out(tmp_path):
    for number in range(3):
        scan(tmp_path / f"run{number}.h5", seed=number)
    (plan,) = planned_arrays(tmp_path).stores
    content = (tmp_path / "run1.h5").read_bytes()
    (tmp_path / "run1.h5").write_bytes(content[:-3000])
    scan(tmp_path / "run2.h5", size=39)
    with formats.Converter() as pool:
        how = formats.settle_store(plan, store_behind_walls(tmp_path, tmp_path / "out", pool))
    reasons = {one.path: one.reason for one in how.problems}
    assert set(reasons) == {"run1.h5", "run2.h5"}
    assert "39" in reasons["run2.h5"]
    assert zarr.open_group(how.result, mode="r")["counts"].shape == (1, 40, 30)


def test_not_a_number_and_infinity(tmp_path):
    values = np.array([[1.0, np.nan, np.inf], [-np.inf, 5.0, -999.0]])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["v"] = values
        file["v"].attrs["_FillValue"] = -999.0
        file["w"] = values
        file["w"].attrs["_FillValue"] = np.nan
    store, how = only(tmp_path, tmp_path / "out")
    np.testing.assert_array_equal(store["v"][...], values)
    v, w = sorted(how.profile.arrays, key=lambda one: one.path)
    assert (v.nan_count, v.infinite_count, v.fill_count, v.minimum, v.maximum) == (1, 2, 1, 1, 5)
    assert w.fill_count == 0
    with xarray.open_zarr(how.result) as data:
        assert np.isnan(data["v"].values[1, 2])


def test_names_that_would_escape_stay_inside(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in ("..", "c", "zarr.json", "__secret", "a\\b", "名前 1", "A", "a", "x" * 300, "nul\x01l"):
            file.create_dataset(f"deep/{name}", data=np.ones((3, 4)))
    store, how = only(tmp_path, tmp_path / "out")
    assert len(how.profile.arrays) == 10
    paths = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert all(path.is_relative_to(how.result) for path in paths)
    assert len({path.as_posix().lower() for path in paths}) == len(paths)
    for array in how.profile.arrays:
        assert _is_inside(f"{array.path}/zarr.json")
        np.testing.assert_array_equal(store[array.path][...], np.ones((3, 4)))


@pytest.mark.parametrize(
    "path",
    ["../x", "a/../../x", "/etc/x", "", "a//b", "a/./b", "a\x00b", "a\nb", "a\\b", None, 7, "x" * 2000],
)
def test_paths_of_a_process_that_was_taken_over_are_refused(path):
    assert not _is_inside(path)


def test_what_runs_behind_walls_makes_the_same_bytes(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for name in NAMES:
        build(name, source)
    for number in range(2):
        scan(source / f"run{number}.h5", seed=number)
    plans = planned_arrays(source).stores
    taken = {path for plan in plans for path in (one.path for one in plan.sources)}
    assert taken == {*NAMES, "run0.h5", "run1.h5"}
    with formats.Converter() as pool:
        for plan in plans:
            here = formats.settle_store(plan, store_in(source, tmp_path / "here"))
            there = formats.settle_store(plan, store_behind_walls(source, tmp_path / "there", pool))
            assert here.profile == there.profile
            one, other = (
                {p.relative_to(how.result): p.read_bytes() for p in how.result.rglob("*") if p.is_file()}
                for how in (here, there)
            )
            assert one == other


def test_an_array_larger_than_the_memory_allowed(tmp_path):
    """Eight hundred megabytes that are mostly never written, in 320 MiB: the cap is the kernel's, the peak is measured besides."""
    rng = np.random.default_rng(2)
    with h5py.File(tmp_path / "big.h5", "w") as file:
        big = file.create_dataset(
            "frames", (200, 1024, 2048), "u2", chunks=(1, 1024, 2048), compression="lzf"
        )
        for number in range(0, 200, 40):
            big[number] = rng.integers(0, 9, (1024, 2048))
        expected = big[120]
    (plan,) = planned_arrays(tmp_path).stores
    peaks: list[int] = []
    with formats.Converter() as pool:
        attempt = store_behind_walls(
            tmp_path, tmp_path / "out", pool, memory_bytes=320 << 20, wall_s=250, cpu_s=250, watch=peaks
        )
        how = formats.settle_store(plan, attempt)
    assert not how.problems
    store = zarr.open_group(how.result, mode="r")
    np.testing.assert_array_equal(store["frames"][120], expected)
    assert how.profile.arrays[0].count == 200 * 1024 * 2048
    assert max(peaks) < 512 << 20, "resident, with libraries and everything"
    assert len(list(how.result.rglob("*"))) < 200, "a few files, not one for each frame"


def test_columns_of_a_table_are_no_store(tmp_path):
    for name in ("air.nc", "classic.nc", "scan.nxs"):
        build(name, tmp_path)
    assert not planned_arrays(tmp_path).stores


def test_packed_numbers_whose_scale_differs_between_files(tmp_path):
    """As the slices of a PET series do: the factor of one must not be taken for that of all."""
    for number, scale in enumerate((None, 0.5, 0.25)):
        scan(tmp_path / f"run{number}.h5", seed=number)
        with h5py.File(tmp_path / f"run{number}.h5", "a") as file:
            file["words"] = np.array(["a", "b"], dtype=h5py.string_dtype())
            file["counts"].attrs["add_offset"] = 2.0
            if scale:
                file["counts"].attrs["scale_factor"] = scale
    store, how = only(tmp_path, tmp_path / "out")
    assert store["counts_scale_factor"][...].tolist() == [1.0, 0.5, 0.25]
    assert store["counts_add_offset"][...].tolist() == [2.0, 2.0, 2.0]
    assert [one.path for one in how.profile.left] == ["run0.h5", "run1.h5", "run2.h5"]
    assert how.profile.left[0].reason.startswith("words: ")
    assert store["counts"].attrs["scale_factor_by_file"] == "counts_scale_factor"
    with xarray.open_zarr(how.result) as data:
        assert data["counts"].dtype == np.uint32, "nothing is scaled by halves"
        whole = data["counts"] * data["counts_scale_factor"] + data["counts_add_offset"]
    with h5py.File(tmp_path / "run2.h5") as file:
        np.testing.assert_allclose(whole[2], file["counts"][...] * 0.25 + 2)


def test_another_fill_value_is_no_number_of_the_first(tmp_path):
    for number, fill in enumerate((7, 7, 8)):
        scan(tmp_path / f"run{number}.h5", seed=number)
        with h5py.File(tmp_path / f"run{number}.h5", "a") as file:
            file["counts"].attrs["_FillValue"] = np.uint32(fill)
    store, how = only(tmp_path, tmp_path / "out")
    assert store["counts"].shape[0] == 2
    (problem,) = how.problems
    assert problem.path == "run2.h5"
    assert "fill value" in problem.reason


@pytest.mark.parametrize(
    ("shape", "more"),
    [
        ((300, 410), {"rowsperstrip": 7}),
        ((300, 410), {"tile": (64, 48)}),
        ((300, 410, 3), {"tile": (64, 48), "photometric": "rgb"}),
    ],
)
def test_large_pages_are_read_in_strips_and_tiles(tmp_path, monkeypatch, shape, more):
    """What a page of more than a quarter of a gigabyte takes, on small ones."""
    import tifffile

    from tsunagu.formats.reader import Context
    from tsunagu.formats.readers import tiff_pages

    monkeypatch.setattr(tiff_pages, "_WHOLE_PAGE_BYTES", 1000)
    values = np.random.default_rng(6).integers(0, 255, shape, dtype=np.uint8)
    tifffile.imwrite(tmp_path / "page.tif", values, compression="zlib", **more)
    with (tmp_path / "page.tif").open("rb") as source:
        (array,) = tiff_pages.arrays(source, Context("page.tif", 1)).arrays
        for start, stop in ((0, 300), (13, 14), (60, 130), (299, 300)):
            extent = (slice(start, stop), *(slice(0, n) for n in shape[1:]))
            np.testing.assert_array_equal(array.read(extent), values[start:stop])


@pytest.mark.parametrize("form", ["imagej", "ome"])
def test_hyperstacks_of_microscopes(tmp_path, form):
    import tifffile

    values = np.arange(2 * 3 * 4 * 20 * 30, dtype=np.uint16).reshape(2, 3, 4, 20, 30)
    if form == "imagej":
        tifffile.imwrite(tmp_path / "a.tif", values, imagej=True, metadata={"axes": "TZCYX", "spacing": 0.4})
    else:
        meta = {"axes": "TZCYX", "PhysicalSizeX": 0.2, "Channel": {"Name": ["DAPI", "GFP", "RFP", "BF"]}}
        tifffile.imwrite(tmp_path / "a.tif", values, ome=True, metadata=meta, compression="zlib")
    store, _ = only(tmp_path, tmp_path / "out")
    array = store["series-0"]
    assert array.metadata.dimension_names == ("time", "z", "channel", "y", "x")
    np.testing.assert_array_equal(array[...], values)
    said = dict(array.attrs)
    if form == "ome":
        assert (said["PhysicalSizeX"], said["PhysicalSizeXUnit"]) == (0.2, "µm")
        assert said["channels"] == ["DAPI", "GFP", "RFP", "BF"]
    else:
        assert said["spacing"] == 0.4
