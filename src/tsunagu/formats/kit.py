"""The test kit for authors of readers: call these from your tests; each raises ``KitError`` with a sentence.

from tsunagu.formats import kit

def test_contract(): kit.check_contract("my_package:READER")
def test_sample(): kit.check_sample(READER, kit.Sample("a.xyz", content, fields={"voltage": 45.0}, previews=("curve",)))
def test_damage(): kit.check_damage(READER, kit.Sample("a.xyz", content))
def test_installed(): kit.check_installed(READER, kit.Sample("a.xyz", content))
"""

from __future__ import annotations

import importlib
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsunagu.formats.examine import examine
from tsunagu.formats.reader import HEAD_BYTES, Reader
from tsunagu.formats.registry import LEAST_SCORE, installed_readers
from tsunagu.formats.sandbox.pool import ExtractorPool
from tsunagu.formats.types import STATUSES, Limits, Outcome, ReaderInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Loading these while a reader is only imported would make every start of a node slow.
HEAVY = ("numpy", "pandas", "h5py", "scipy", "PIL", "pyarrow", "astropy", "matplotlib", "lxml")
SURE = 60
_NAME = re.compile(r"^[a-z][a-z0-9_.-]{0,79}$")
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]|^[ -~]+$")
_SNIFF_S = 0.2
_DAMAGED_S = 20.0
# First bytes of what other readers claim; a reader that takes these in takes other people's files away.
FOREIGN: Mapping[str, bytes] = {
    "empty": b"",
    "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00",
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
    "zip": b"PK\x03\x04\x14\x00\x00\x00\x08\x00",
    "hdf5": b"\x89HDF\r\n\x1a\n\x00\x00\x00\x00\x00\x08\x08\x00",
    "netcdf": b"CDF\x01\x00\x00\x00\x00",
    "fits": b"SIMPLE  =                    T / conforms to FITS standard".ljust(2880),
    "dicom": b"\x00" * 128 + b"DICM\x02\x00\x00\x00UL\x04\x00",
    "tiff": b"II*\x00\x08\x00\x00\x00",
    "jcamp": b"##TITLE= water\n##JCAMP-DX= 4.24\n##DATA TYPE= INFRARED SPECTRUM\n",
    "cif": b"data_salt\n_cell_length_a 5.64\nloop_\n_atom_site_label\nNa1\n",
    "fcs": b"FCS3.0         58     500     501    1000       0       0",
    "json": b'{"sample": "LFP-1", "points": [1, 2, 3]}\n',
    "xml": b'<?xml version="1.0"?><mzML version="1.1.0"></mzML>',
    "csv": b"time,voltage\n0,3.2\n1,3.3\n2,3.4\n",
    "text": b"2024-03-05 14:05 pump started\n2024-03-05 14:06 pump stopped\n",
    "shift_jis": "測定者,佐藤\r\n温度,25\r\n".encode("cp932"),
    "zeros": b"\x00" * 4096,
}


class KitError(AssertionError):
    """A reader does not keep the contract; the message says which part and what to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One good file and what must come of it.

    ``fields`` are raw keys with value, or with (value, unit). ``previews`` are kinds in order. ``status`` is
    ``read`` unless the file deserves a warning.
    """

    name: str
    content: bytes
    fields: Mapping[str, Any] = field(default_factory=dict)
    previews: tuple[str, ...] = ()
    status: str = "read"


def run(reader: Reader, content: bytes, name: str, *, limits: Limits | None = None) -> Outcome:
    """What a reader makes of bytes, in this process and without walls; for tests and debuggers."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return examine(Path(file.name), name=name, readers=[reader], limits=limits or Limits())


def check_contract(target: str) -> None:
    """The reader at ``package.module:NAME`` is light to import, well described and sniffs safely.

    Raises:
        KitError: the first part of the contract that is broken.
    """
    module, _, name = target.partition(":")
    _check_light(module)
    reader = getattr(importlib.import_module(module), name)
    if not isinstance(reader, Reader):
        raise KitError(f"{target} lacks info, sniff or load; see tsunagu.formats.api.Reader.")
    _check_info(reader.info)
    chance = random.Random(1)  # noqa: S311 - damage, not secrets
    noise = [chance.randbytes(size) for size in (1, 2, 7, 64, 500, HEAD_BYTES)]
    for content in (*FOREIGN.values(), *noise):
        score = _score(reader, content, "x.bin")
        if score >= LEAST_SCORE:
            kind = next((kind for kind, known in FOREIGN.items() if known == content), "noise")
            raise KitError(f"sniff gives {score} for {kind}, which is not its format; look for a signature.")
    if not callable(reader.load()):
        raise KitError("load() must return the function that reads: (path, context) -> Reading.")


def _check_light(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise KitError(f"Importing {module} fails: {done.stderr.strip().splitlines()[-1]}")
    if done.stdout.strip() != "[]":
        raise KitError(
            f"Importing {module} loads {done.stdout.strip()}; import heavy libraries in load() only."
        )


def _check_info(info: ReaderInfo) -> None:
    if not isinstance(info, ReaderInfo):
        raise KitError("info must be a ReaderInfo.")
    if not _NAME.match(info.name):
        raise KitError(f"The name {info.name!r} needs lower-case letters, digits, '_', '-', '.'.")
    if not info.version:
        raise KitError("The version is empty; every result is stored with it.")
    if not all(re.match(r"^[a-z]+/[\w.+-]+$", kind) for kind in info.media_types):
        raise KitError(f"Not all of {info.media_types} look like media types (type/subtype).")
    if not info.label_en or not _JAPANESE.search(info.label_ja):
        raise KitError("label_en and label_ja are shown to researchers; both are needed.")


def _score(reader: Reader, content: bytes, name: str) -> int:
    started = time.perf_counter()
    try:
        score = reader.sniff(content[:HEAD_BYTES], name)
    except Exception as error:
        raise KitError(
            f"sniff raises {type(error).__name__} ({error}); it must answer for any bytes."
        ) from error
    if not isinstance(score, int) or not 0 <= score <= 100:  # noqa: PLR2004 - the scale of the contract
        raise KitError(f"sniff gives {score!r}; it must be a whole number from 0 to 100.")
    if time.perf_counter() - started > _SNIFF_S:
        raise KitError(f"sniff takes more than {_SNIFF_S} s; it runs for every file that arrives.")
    return score


def check_sample(reader: Reader, sample: Sample) -> Outcome:
    """A good file is claimed, read, and says what it must; twice the same. Returns the outcome.

    Raises:
        KitError: what is wrong.
    """
    for name in (sample.name, "noname"):
        score = _score(reader, sample.content, name)
        if score < SURE:
            raise KitError(f"sniff gives {score} for its own file called {name!r}; {SURE} or more is needed.")
    outcome = run(reader, sample.content, sample.name)
    if outcome.status != sample.status:
        raise KitError(f"{sample.name} is {outcome.status}, not {sample.status}: {outcome.reason}")
    _check_answer(outcome)
    _check_fields(outcome, sample)
    kinds = tuple(preview.kind for preview in outcome.reading.previews)
    if sample.previews and kinds != sample.previews:
        raise KitError(f"The previews are {kinds}, not {sample.previews}.")
    if replace(run(reader, sample.content, sample.name), duration_s=0) != replace(outcome, duration_s=0):
        raise KitError("Reading the same bytes twice gives two results.")
    return outcome


def _check_fields(outcome: Outcome, sample: Sample) -> None:
    found = [(item.key, item.value, item.unit) for item in outcome.reading.fields]
    for key, wanted in sample.fields.items():
        with_unit = wanted if isinstance(wanted, tuple) and len(wanted) == 2 else None  # noqa: PLR2004 - value, unit
        if not any(k == key and ((v, u) == with_unit if with_unit else v == wanted) for k, v, u in found):
            said = [(v, u) for k, v, u in found if k == key]
            raise KitError(f"The field {key!r} is {said or 'missing'}, not {wanted!r}.")
    for item in outcome.reading.fields:
        if not item.where:
            raise KitError(f"The field {item.key!r} does not say where it stood; fill 'where'.")


def _check_answer(outcome: Outcome) -> None:
    if outcome.status not in STATUSES:
        raise KitError(f"{outcome.status!r} is no status.")
    if (outcome.status == "read") == bool(outcome.reason):
        raise KitError("Every status but read needs a reason, and read has none.")
    try:
        again = Outcome.from_json(json.loads(json.dumps(outcome.as_json(), allow_nan=False)), outcome.blobs())
    except (TypeError, ValueError) as error:
        raise KitError(f"The result does not turn into JSON: {error}; build it with Findings.") from error
    if again != outcome:
        raise KitError("The result changes on its way through JSON; build it with Findings.")


def check_damage(reader: Reader, sample: Sample, *, rounds: int = 100, cuts_must_show: bool = True) -> None:
    """Cut off at many places and with flipped bits, the file still gives an answer with a reason.

    Args:
        reader: The reader.
        sample: A good file.
        rounds: How many damaged copies.
        cuts_must_show: Whether a file cut in half must not pass as whole; false only for formats without an end.

    Raises:
        KitError: a copy that raises, hangs, or (cut in half) passes as whole.
    """
    whole, chance = sample.content, random.Random(sample.name)  # noqa: S311 - the same
    cuts = sorted({0, 1, 16, len(whole) // 4, len(whole) // 2, 3 * len(whole) // 4, len(whole) - 1})
    for cut in cuts:
        outcome = _checked(reader, whole[:cut], sample.name, f"cut off after {cut} bytes")
        is_half = len(whole) // 4 <= cut <= 3 * len(whole) // 4
        if cuts_must_show and is_half and outcome.status == "read" and outcome.reader:
            raise KitError(f"Cut off after {cut:,} of {len(whole):,} bytes, the file passes as whole.")
    for number in range(rounds):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 3, 20))):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        _checked(reader, bytes(damaged), sample.name, f"with flipped bits (round {number})")


def _checked(reader: Reader, content: bytes, name: str, what: str) -> Outcome:
    started = time.perf_counter()
    outcome = run(reader, content, name, limits=Limits(wall_s=_DAMAGED_S))
    if time.perf_counter() - started > _DAMAGED_S:
        raise KitError(f"The file {what} takes more than {_DAMAGED_S:g} s.")
    _check_answer(outcome)
    return outcome


def check_installed(reader: Reader, *samples: Sample) -> None:
    """The node finds the reader by its entry point, chooses it and reads inside the real sandbox.

    Raises:
        KitError: not installed, another reader is chosen, or the walls are in its way.
    """
    names = _installed_names()
    if reader.info.name not in names:
        raise KitError(
            f"The reader {reader.info.name} is not among the installed ones ({', '.join(names)}); declare it under "
            'project.entry-points."tsunagu.readers" and install the package.'
        )
    with ExtractorPool() as pool:
        for sample in samples:
            outcome = pool.extract_bytes(sample.content, name=sample.name)
            if outcome.reader != reader.info.name:
                raise KitError(f"{sample.name} goes to the reader {outcome.reader}; give a higher score.")
            if outcome.status != sample.status:
                raise KitError(f"In the sandbox {sample.name} is {outcome.status}: {outcome.reason}")
            _check_fields(outcome, sample)


def _installed_names() -> Iterable[str]:
    return [reader.info.name for reader in installed_readers()[0]]
