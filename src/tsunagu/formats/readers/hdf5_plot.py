"""What to draw of an HDF5 file: the NeXus default plot, else the first thing that looks like data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from tsunagu.formats import draw

if TYPE_CHECKING:
    from tsunagu.formats.findings import Findings
    from tsunagu.formats.types import Preview

_CURVE_VALUES = 4_000_000
_PLANE_VALUES = 64_000_000
_LEAST_POINTS = 5
_SEARCHED = 400


def is_own_data(dataset: Any) -> bool:
    """Whether the numbers lie in this file; virtual ones would silently read as zeros."""
    return not dataset.external and not dataset.is_virtual


def draw_default(file: Any, findings: Findings, title: str) -> Preview | None:
    """The plot that the file names as its default, or a likely one; ``None`` when there is nothing to draw."""
    try:
        return _nexus(file, title) or _likely(file, title)
    except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
        findings.warn(f"The preview could not be drawn: {error}")
        return None


def _text(node: Any, name: str) -> str | None:
    value = node.attrs.get(name)
    if isinstance(value, np.ndarray):
        value = value.reshape(-1)[0] if value.size else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if value is not None else None


def _inner(group: Any, name: str) -> Any:
    """A member that lies in this file, reached by plain names only; ``None`` otherwise."""
    node = group
    for part in name.strip("/").split("/"):
        if not isinstance(node, h5py.Group):
            return None
        link = node.get(part, getlink=True)
        if link is None or isinstance(link, h5py.ExternalLink):
            return None
        node = node[part] if isinstance(link, h5py.HardLink) else _soft(node, link)
        if node is None:
            return None
    return node


def _soft(group: Any, link: Any) -> Any:
    # One soft link is normal in NeXus (data -> instrument/detector/data); chains and loops are not followed.
    start = group.file if link.path.startswith("/") else group
    node = start
    for part in link.path.strip("/").split("/"):
        if not isinstance(node, h5py.Group) or not isinstance(node.get(part, getlink=True), h5py.HardLink):
            return None
        node = node[part]
    return node


def _children(group: Any) -> list[Any]:
    return [
        group[name] for name in list(group)[:200] if isinstance(group.get(name, getlink=True), h5py.HardLink)
    ]


def _nexus(file: Any, title: str) -> Preview | None:
    candidates: list[Any] = []
    node: Any = file
    for _ in range(4):
        name = _text(node, "default")
        node = _inner(node, name) if name else None
        if node is None:
            break
        candidates.insert(0, node)
    for entry in [node for node in _children(file) if isinstance(node, h5py.Group)]:
        candidates += [node for node in _children(entry) if _text(node, "NX_class") == "NXdata"]
        if _text(entry, "NX_class") == "NXdata":
            candidates.append(entry)
    for data in candidates:
        if isinstance(data, h5py.Group) and (drawn := _plot(data, title)):
            return drawn
    return None


def _plot(data: Any, title: str) -> Preview | None:
    """One NXdata group, in the present form (attributes of the group) or the old one (of the datasets)."""
    name = _text(data, "signal")
    signal = _inner(data, name) if name else None
    if signal is None:
        signal = next(
            (n for n in _children(data) if isinstance(n, h5py.Dataset) and "signal" in n.attrs), None
        )
    if not isinstance(signal, h5py.Dataset) or signal.dtype.kind not in "iuf" or not is_own_data(signal):
        return None
    title = _text(data, "title") or f"{title} {data.name}"
    if signal.ndim == 1:
        return _curve(signal, _axis(data, signal), title)
    return _plane(signal, title)


def _axis(data: Any, signal: Any) -> Any:
    axes = data.attrs.get("axes", signal.attrs.get("axes"))
    if isinstance(axes, np.ndarray):
        axes = axes.reshape(-1)[0] if axes.size else None
    if isinstance(axes, bytes):
        axes = axes.decode("utf-8", "replace")
    if isinstance(axes, str) and axes not in {"", "."}:
        found = _inner(data, axes.split(":")[0].split(",")[0].strip("[]"))
        if isinstance(found, h5py.Dataset) and found.shape == signal.shape and is_own_data(found):
            return found
    for node in _children(data):
        is_axis = isinstance(node, h5py.Dataset) and "axis" in node.attrs
        if is_axis and node.shape == signal.shape and is_own_data(node):
            return node
    return None


def _curve(signal: Any, axis: Any, title: str) -> Preview | None:
    if signal.shape[0] < _LEAST_POINTS:
        return None
    step = max(1, signal.shape[0] // _CURVE_VALUES)
    y = signal[::step]
    x = axis[::step] if axis is not None and axis.dtype.kind in "iuf" else np.arange(0, signal.shape[0], step)
    x_name = axis.name.rpartition("/")[2] if axis is not None else "index"
    return draw.curve(
        title,
        [draw.series(signal.name.rpartition("/")[2], x, y)],
        x=(x_name, _text(axis, "units") if axis is not None else None),
        y=(signal.name.rpartition("/")[2], _text(signal, "units")),
    )


def _plane(dataset: Any, title: str) -> Preview | None:
    """The middle plane of the last two dimensions; colour when the last one counts 3 or 4."""
    shape = dataset.shape
    if min(shape) == 0 or dataset.ndim < 2:  # noqa: PLR2004 - a plane
        return None
    is_colour = dataset.ndim > 2 and shape[-1] in {3, 4} and dataset.dtype.kind == "u"  # noqa: PLR2004
    tail = 3 if is_colour else 2
    lead = tuple(size // 2 for size in shape[:-tail])
    height, width = shape[len(lead)], shape[len(lead) + 1]
    if height * width > _PLANE_VALUES or min(height, width) < _LEAST_POINTS:
        return None
    values = dataset[lead] if lead else dataset[()]
    return draw.image_of_array(title, values, original=(width, height))


def _likely(file: Any, title: str) -> Preview | None:
    """Without NeXus marks: the largest plane, else the longest curve, among the first objects."""
    found: list[Any] = []

    def visit(group: Any, depth: int) -> None:
        for node in _children(group):
            if len(found) >= _SEARCHED:
                return
            if isinstance(node, h5py.Group) and depth < 6:  # noqa: PLR2004 - deep enough for any plot
                visit(node, depth + 1)
            elif (
                isinstance(node, h5py.Dataset)
                and node.shape
                and node.dtype.kind in "iuf"
                and is_own_data(node)
            ):
                found.append(node)

    visit(file, 0)
    planes = [node for node in found if node.ndim >= 2 and min(node.shape[-2:]) >= 8]  # noqa: PLR2004
    for node in sorted(planes, key=lambda node: -node.size)[:3]:
        if drawn := _plane(node, f"{title} {node.name}"):
            return drawn
    lines = [node for node in found if node.ndim == 1 and node.shape[0] >= _LEAST_POINTS]
    longest = max(lines, key=lambda node: node.shape[0], default=None)
    return _curve(longest, None, f"{title} {longest.name}") if longest is not None else None
