"""Writing the evidence file of a version: a ZIP that openssl and one script check without Tsunagu."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard, VersionRef
from tsunagu.data.evidence import readme
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.policy import api as policy

_SCRIPT = Path(__file__).with_name("verify_evidence.py")
_GRANTS = {"grant", "revoke", "grant_ended"}


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What goes in: entries in the order of the ledger, the head they are proved in, the newest head, what was left out."""

    entries: list[ledger.EntryCard]
    first: ledger.HeadCard
    newest: ledger.HeadCard
    left_out: tuple[str, ...]


def write_evidence(actor: Actor, card: DatasetCard, number: int, out: IO[bytes]) -> VersionRef:
    """Write the evidence file of a version as far as the actor may read.

    Signs the ledger's head first when it does not cover the version yet, and asks for a time stamp that is due; one that
    cannot be had now is left out, and the file says so.

    Raises:
        NotFoundError: the actor may not read the version, or there is none of that number.
    """
    if not policy.decide(actor, "dataset.read", card.resource):
        raise NotFoundError(f"There is no dataset {card.slug}, or you may not see it.")
    version = datasets.get_version(card, number)
    chosen = _choose(actor, card, version)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        parts = _Parts(packed)
        parts.add("README.txt", [_readme(card, version, chosen).encode()])
        parts.add("evidence.json", [_json(_summary(card, version, chosen))])
        parts.add("version.json", [version.record.encode()])
        parts.add("metadata.json", [ledger.canonical(version.described).encode()])
        parts.add("manifest.jsonl", _manifest(card, number))
        parts.add("entries.jsonl", _entries(chosen))
        _add_head(parts, "first", chosen.first)
        if chosen.newest.size > chosen.first.size:
            _add_head(parts, "newest", chosen.newest)
            proof = ledger.prove_consistency(chosen.first.size, chosen.newest.size)
            parts.add(
                "consistency.json", [_json({"old": proof.first, "new": proof.size, "path": list(proof.path)})]
            )
        parts.add("verify_evidence.py", [_SCRIPT.read_bytes()])
        parts.add_sums()
    return version


def _choose(actor: Actor, card: DatasetCard, version: VersionRef) -> _Chosen:
    ledger.sign_head(at_once=True)
    ledger.stamp_waiting()
    newest = ledger.head_cards(limit=1)[0]
    about = list(ledger.entries_about(card.id, below=newest.size))
    own = [one for one in about if one.kind == "version" and version.version_hash in one.body]
    if not own:
        raise NotFoundError(f"Version {version.number} does not stand in the ledger; run tsunagu verify.")
    first = ledger.find_head(own[0].index + 1)
    assert first is not None  # the newest one covers it
    versions = [one for one in about if one.kind == "version" and one.index <= own[0].index]
    kept, left_out = versions, []
    if policy.decide(actor, "dataset.read_draft", card.resource):
        kept += [one for one in about if one.kind == "run" and one.index < own[0].index]
    else:
        left_out.append("runs")
    if policy.decide(actor, "project.read", policy.Resource("project", card.project_id)):
        around = ledger.entries_about(card.project_id, below=first.size)
        kept += [one for one in (*about, *around) if one.kind in _GRANTS and one.index < first.size]
    else:
        left_out.append("grants")
    kept += [one for one in ledger.entries_about(first.key_id, below=first.size) if one.kind == "signing_key"]
    return _Chosen(sorted(kept, key=lambda one: one.index), first, newest, tuple(left_out))


class _Parts:
    """Files of the ZIP, each written as a stream and hashed on the way."""

    def __init__(self, packed: zipfile.ZipFile) -> None:
        self._packed, self._sums = packed, dict[str, str]()
        self._date = clock.now().astimezone(dt.UTC).timetuple()[:6]

    def add(self, name: str, pieces: Iterable[bytes]) -> None:
        digest = hashlib.sha256()
        entry = zipfile.ZipInfo(name, self._date)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        with self._packed.open(entry, "w", force_zip64=True) as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
        self._sums[name] = digest.hexdigest()

    def add_sums(self) -> None:
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(self._sums.items()))
        self._packed.writestr("SHA256SUMS", lines)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2).encode() + b"\n"


def _summary(card: DatasetCard, version: VersionRef, chosen: _Chosen) -> dict[str, Any]:
    heads = {"first": chosen.first}
    if chosen.newest.size > chosen.first.size:
        heads["newest"] = chosen.newest
    return {
        "format": "tsunagu-evidence-1",
        "dataset": card.slug,
        "number": version.number,
        "version": version.version_hash,
        "made_at": clock.isoformat(clock.now()),
        "heads": {name: _head_summary(head) for name, head in heads.items()},
        "left_out": list(chosen.left_out),
    }


def _head_summary(head: ledger.HeadCard) -> dict[str, Any]:
    stamp = head.stamp
    said = {"size": head.size, "key_id": head.key_id, "signed_at": head.signed_at, "time_stamp": None}
    if stamp is None:
        return said
    told = {
        "authority": stamp.authority,
        "is_independent": stamp.is_independent,
        "stamped_at": stamp.stamped_at,
    }
    return {**said, "time_stamp": told}


def _manifest(card: DatasetCard, number: int) -> Iterator[bytes]:
    for file in datasets.all_files(card, number):
        row = {"path": file.path, "size": file.byte_count, "sha256": file.sha256.hex()}
        yield ledger.canonical(row).encode() + b"\n"


def _entries(chosen: _Chosen) -> Iterator[bytes]:
    nodes = ledger.StoredNodes()
    for entry in chosen.entries:
        proof = ledger.prove_inclusion(entry.index, chosen.first.size, nodes)
        row = {"index": entry.index, "kind": entry.kind, "body": entry.body, "proof": list(proof.path)}
        yield ledger.canonical(row).encode() + b"\n"


def _add_head(parts: _Parts, name: str, head: ledger.HeadCard) -> None:
    text, signature = ledger.signed_part(head.note)
    files = {
        "head.note": head.note.encode(),
        "head.txt": text.encode(),
        "head.sig": signature,
        "key.pem": ledger.public_key_pem(head.public_key).encode(),
        "witnesses.jsonl": b"".join(
            ledger.canonical(
                {"witness": who, "public_key": ledger.public_key_pem(key), "line": line}
            ).encode()
            + b"\n"
            for who, key, line in head.cosignatures
        ),
    }
    if head.stamp is not None:
        stamp = head.stamp
        files |= {
            "stamp.tsq": stamp.query,
            "stamp.tsr": stamp.reply,
            "ca.pem": stamp.certificates.encode(),
        }
    for file, content in files.items():
        parts.add(f"heads/{name}/{file}", [content])


def _readme(card: DatasetCard, version: VersionRef, chosen: _Chosen) -> str:
    stamp = chosen.first.stamp
    note = ("", "")
    if stamp is None:
        note = readme.NO_STAMP
    elif not stamp.is_independent:
        note = readme.NOT_INDEPENDENT
    left_out = readme.LEFT_OUT.format(what=", ".join(chosen.left_out)) if chosen.left_out else ""
    return readme.TEXT.format(
        dataset=card.slug,
        number=version.number,
        version=version.version_hash,
        signed_at=chosen.first.signed_at,
        stamp_ja=note[0],
        stamp_en=note[1],
        left_out=left_out,
    )
