"""Check a Tsunagu evidence file without Tsunagu: Python 3.8 or later, its standard library, and OpenSSL 3.

    python3 verify_evidence.py FOLDER_OR_ZIP [--data DIR] [--key NODE.pem] [--ca ROOT.pem]

Exit code 0: all holds. 1: something does not, and the line says what. 2: nothing is wrong, but not all could be checked
(no openssl, or no time stamp yet). Formats: docs/reference/evidence.md of Tsunagu. Public domain (CC0): copy it freely.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from functools import partial
from pathlib import Path
from typing import Any, Callable, Iterator

JAPANESE = any(os.environ.get(name, "").startswith("ja") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
H = hashlib.sha256


class Broken(Exception):  # noqa: N818
    """Something does not hold."""


class Unchecked(Exception):  # noqa: N818
    """Something could not be looked at."""


def say(english: str, japanese: str) -> str:
    """The text in the language of the terminal."""
    return japanese if JAPANESE else english


def require(holds: bool, english: str, japanese: str) -> None:  # noqa: FBT001
    """Stop this check unless it holds."""
    if not holds:
        raise Broken(say(english, japanese))


def main() -> int:
    """Run every check; print a line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("evidence")
    parser.add_argument("--data", help="folder with the files themselves, to be hashed and compared")
    parser.add_argument("--key", help="public key of the node (PEM) that you got elsewhere")
    parser.add_argument(
        "--ca", help="root certificate of the time-stamp authority (PEM) that you got elsewhere"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(options.evidence)
        if folder.is_file():
            with zipfile.ZipFile(folder) as packed:
                packed.extractall(work)
            folder = Path(work)
        return run(Evidence(folder), options)


def run(evidence: Evidence, options: Any) -> int:
    """Every check in order; one that fails does not stop the others."""
    checks: list[tuple[str, str, Callable[[], str]]] = [
        ("parts", "部品のハッシュ値", partial(check_parts, evidence)),
        ("version", "版の記録", partial(check_version, evidence)),
        ("manifest", "ファイル一覧", partial(check_manifest, evidence)),
        ("entries", "台帳の記録", partial(check_entries, evidence)),
        ("consistency", "台帳の連続性", partial(check_consistency, evidence)),
    ]
    for name in evidence.heads() or ["first"]:
        checks += [
            (f"head {name}", f"署名付きヘッド {name}", partial(check_head, evidence, name, options.key)),
            (
                f"time stamp {name}",
                f"タイムスタンプ {name}",
                partial(check_stamp, evidence, name, options.ca),
            ),
            (f"witnesses {name}", f"立会ノードの署名 {name}", partial(check_witnesses, evidence, name)),
        ]
    if options.data:
        checks.append(("data", "データの実体", partial(check_data, evidence, Path(options.data))))
    worst = 0
    for english, japanese, check in checks:
        try:
            mark, words = "ok  ", check()
        except Broken as error:
            mark, words, worst = "BAD ", str(error), 1
        except Unchecked as error:
            mark, words, worst = "??  ", str(error), worst or 2
        except (OSError, ValueError, KeyError, IndexError, TypeError, struct.error) as error:
            mark, words, worst = "BAD ", f"{type(error).__name__}: {error}", 1
        print(f"{mark} {say(english, japanese)}: {words}")
    return worst


class Evidence:
    """The parts of an evidence file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Where a part lies."""
        return self.folder / name

    def read(self, name: str) -> bytes:
        """A part."""
        return self.path(name).read_bytes()

    def text(self, name: str) -> str:
        """A part as text."""
        return self.read(name).decode("utf-8")

    def lines(self, name: str) -> Iterator[Any]:
        """JSON, a value a line."""
        with self.path(name).open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)

    def heads(self) -> list[str]:
        """``first``, and ``newest`` where it is another one."""
        return [name for name in ("first", "newest") if self.path(f"heads/{name}").is_dir()]

    def head(self, name: str) -> tuple[str, int, bytes, str, bytes]:
        """Origin, size, root, signed text and signature of a head."""
        text, gap, rest = self.text(f"heads/{name}/head.note").partition("\n\n")
        lines = text.split("\n")
        require(bool(gap) and len(lines) == 5, "the note has another form.", "ノートの形式が異なります。")
        mark, signer, encoded = rest.split("\n")[0].split(" ")
        raw = base64.b64decode(encoded, validate=True)
        require(
            mark == "—" and signer == lines[0] and len(raw) == 68,
            "the signature line has another form.",
            "署名行の形式が異なります。",
        )
        return lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True), text + "\n", raw[4:]


def check_parts(evidence: Evidence) -> str:
    """SHA256SUMS names every other part, and they are as it says."""
    lines = evidence.text("SHA256SUMS").splitlines()
    wanted = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = {
        path.relative_to(evidence.folder).as_posix() for path in evidence.folder.rglob("*") if path.is_file()
    } - {"SHA256SUMS"}
    wrong = sorted(name for name in set(wanted) & found if hash_of(evidence.path(name)) != wanted[name])
    require(not wrong, f"changed: {', '.join(wrong)}", f"変更されています: {', '.join(wrong)}")
    differ = ", ".join(sorted(set(wanted) ^ found))
    require(not differ, f"missing or added: {differ}", f"欠落または追加: {differ}")
    return say(f"{len(found)} files as SHA256SUMS says", f"{len(found)} 個すべてが SHA256SUMS と一致")


def hash_of(path: Path) -> str:
    """SHA-256 of a file, hex."""
    digest = H()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def check_version(evidence: Evidence) -> str:
    """The name of the version is the hash of its record; the description is the one in the record."""
    said, record = json.loads(evidence.read("evidence.json")), evidence.read("version.json")
    name = H(record).hexdigest()
    require(
        name == said["version"],
        "version.json does not have the hash that evidence.json names.",
        "version.json のハッシュ値が evidence.json の記載と異なります。",
    )
    content = json.loads(record)
    require(
        H(evidence.read("metadata.json")).hexdigest() == content["metadata"],
        "metadata.json is not the description in the record.",
        "metadata.json が版の記録にあるメタデータと異なります。",
    )
    return f"{said['dataset']}@{content['number']} {name}"


def check_manifest(evidence: Evidence) -> str:
    """The list of files leads to the root in the version's record."""
    record = json.loads(evidence.read("version.json"))
    buckets: dict[str, list[tuple[bytes, bytes]]] = {}
    count = byte_count = 0
    for file in evidence.lines("manifest.jsonl"):
        path = file["path"].encode()
        leaf = H(
            struct.pack(">BIQ", 0, len(path), file["size"]) + path + bytes.fromhex(file["sha256"])
        ).digest()
        buckets.setdefault(H(path).digest()[:2].hex(), []).append((path, leaf))
        count, byte_count = count + 1, byte_count + file["size"]
    nodes = {
        key: H(b"\1" + b"".join(leaf for _, leaf in sorted(found))).digest() for key, found in buckets.items()
    }
    for _ in range(4):
        parents: dict[str, list[tuple[int, bytes]]] = {}
        for key, node in nodes.items():
            parents.setdefault(key[:-1], []).append((int(key[-1], 16), node))
        nodes = {
            key: H(b"\2" + b"".join(bytes([nibble]) + node for nibble, node in sorted(kids))).digest()
            for key, kids in parents.items()
        }
    root = nodes.get("", H(b"\3").digest()).hex()
    require(
        (count, byte_count, root) == (record["count"], record["bytes"], record["root"]),
        "manifest.jsonl is not the list of files of this version.",
        "manifest.jsonl がこの版のファイル一覧と一致しません。",
    )
    return say(f"{count:,} files, {byte_count:,} bytes", f"{count:,} ファイル、{byte_count:,} バイト")


def check_entries(evidence: Evidence) -> str:
    """Every entry stands in the signed head, and one of them is this version."""
    _, size, root, _, _ = evidence.head("first")
    record, is_there, count = evidence.text("version.json"), False, 0
    for entry in evidence.lines("entries.jsonl"):
        body, path = entry["body"], [bytes.fromhex(step) for step in entry["proof"]]
        leaf = H(b"\0" + body.encode()).digest()
        require(
            root_from_entry(leaf, entry["index"], size, path) == root,
            f"ledger entry {entry['index']} does not lead to the signed head.",
            f"台帳の記録 {entry['index']} から署名付きヘッドを導けません。",
        )
        is_there |= json.loads(body).get("record") == record
        count += 1
    require(is_there, "the version is not in the ledger.", "この版が台帳に見当たりません。")
    return say(f"{count} entries stand in head {size}", f"{count} 件がヘッド {size} に含まれることを確認")


def node(left: bytes, right: bytes) -> bytes:
    """A node of the Merkle tree of RFC 6962."""
    return H(b"\1" + left + right).digest()


def root_from_entry(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2; empty when the proof has the wrong length."""
    place, last, top = index, size - 1, leaf
    if not 0 <= index < size:
        return b""
    for step in path:
        if last == 0:
            return b""
        if place & 1 or place == last:
            top = node(step, top)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            top = node(top, step)
        place, last = place >> 1, last >> 1
    return top if last == 0 else b""


def check_consistency(evidence: Evidence) -> str:
    """The newest head only adds to the first one (RFC 9162, 2.1.4.2)."""
    if "newest" not in evidence.heads():
        return say("one head only", "ヘッドは一つだけです")
    origin, old, old_root, _, _ = evidence.head("first")
    other, new, new_root, _, _ = evidence.head("newest")
    path = [bytes.fromhex(step) for step in json.loads(evidence.read("consistency.json"))["path"]]
    steps = path if old & (old - 1) else [old_root, *path]
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if place & 1 or place == last:
            first, second = node(step, first), node(step, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node(second, step)
        place, last = place >> 1, last >> 1
    require(
        origin == other and 0 < old < new and (last, first, second) == (0, old_root, new_root),
        "the newest head does not continue the first one: history was rewritten.",
        "新しいヘッドが最初のヘッドを引き継いでいません。履歴が書き換えられています。",
    )
    return say(f"head {new} continues head {old}", f"ヘッド {new} はヘッド {old} を引き継いでいます")


def check_head(evidence: Evidence, name: str, key: str | None) -> str:
    """The node signed the head, and the ledger names its key."""
    _, size, _, text, signature = evidence.head(name)
    base = evidence.path(f"heads/{name}")
    parts_fit = (base / "head.txt").read_bytes() == text.encode() and (
        base / "head.sig"
    ).read_bytes() == signature
    require(
        parts_fit,
        "head.txt or head.sig is not what head.note says.",
        "head.txt または head.sig が head.note と一致しません。",
    )
    if name == "first":
        pem = (base / "key.pem").read_text("ascii").split("-----")[2]
        public = base64.b64encode(base64.b64decode(pem)[-32:]).decode()
        bodies = [json.loads(entry["body"]) for entry in evidence.lines("entries.jsonl")]
        is_named = any(body["kind"] == "signing_key" and body["public_key"] == public for body in bodies)
        require(is_named, "key.pem is not named in the ledger.", "key.pem が台帳に記載されていません。")
    verify_signature(Path(key) if key else base / "key.pem", text.encode(), signature)
    where = (
        say("with your key", "指定された鍵で検証")
        if key
        else say("with the key in this file", "同梱の鍵で検証")
    )
    return say(f"{size} entries, signed, checked {where}", f"{size} 件、署名は有効({where})")


def verify_signature(key: Path, content: bytes, signature: bytes) -> None:
    """Ed25519, by openssl."""
    with tempfile.TemporaryDirectory() as work:
        text, sig = Path(work, "text"), Path(work, "sig")
        text.write_bytes(content)
        sig.write_bytes(signature)
        done = openssl("pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key, "-in", text, "-sigfile", sig)
    require(done.returncode == 0, "the signature is not valid.", "署名が無効です。")


def check_stamp(evidence: Evidence, name: str, ca: str | None) -> str:
    """The authority stamped the signed note."""
    base = evidence.path(f"heads/{name}")
    if not (base / "stamp.tsr").exists():
        raise Unchecked(say("there is no time stamp yet", "タイムスタンプはまだ付与されていません"))
    root = ca or base / "ca.pem"
    for against in (("-data", base / "head.note"), ("-queryfile", base / "stamp.tsq")):
        done = openssl("ts", "-verify", *against, "-in", base / "stamp.tsr", "-CAfile", root)
        require(
            done.returncode == 0,
            f"the time stamp is not valid ({against[0]}).",
            f"タイムスタンプが無効です({against[0]})。",
        )
    shown = openssl("ts", "-reply", "-in", base / "stamp.tsr", "-text").stdout
    when = next(
        (line.partition(": ")[2] for line in shown.splitlines() if line.startswith("Time stamp")), "?"
    )
    said = json.loads(evidence.read("evidence.json"))["heads"][name]["time_stamp"]
    if not said["is_independent"]:
        return say(
            f"{when}, by the node's own test authority: not independent",
            f"{when}(ノード内蔵の試験用時刻局によるもので、第三者の証明ではありません)",
        )
    where = (
        say("checked with your root", "指定されたルート証明書で検証")
        if ca
        else say("checked with the root in this file", "同梱のルート証明書で検証")
    )
    return say(f"{when}, {where}", f"{when}({where})")


def check_witnesses(evidence: Evidence, name: str) -> str:
    """Other nodes signed that they saw this log only grow."""
    origin, _, _, text, _ = evidence.head(name)
    count = 0
    for one in evidence.lines(f"heads/{name}/witnesses.jsonl"):
        with tempfile.TemporaryDirectory() as work:
            key = Path(work, "key.pem")
            key.write_text(one["public_key"], "ascii")
            raw = base64.b64decode(one["line"].strip().rpartition(" ")[2], validate=True)
            signed = f"cosignature/v1\ntime {int.from_bytes(raw[4:12], 'big')}\n{text}"
            verify_signature(key, signed.encode(), raw[12:])
        count += 1
    return say(f"{count} co-signatures of {origin}", f"{origin} への署名 {count} 件")


def check_data(evidence: Evidence, folder: Path) -> str:
    """The files on this disk are those of the list."""
    count = 0
    for file in evidence.lines("manifest.jsonl"):
        path = folder / file["path"]
        require(path.is_file(), f"{file['path']} is missing.", f"{file['path']} がありません。")
        require(
            hash_of(path) == file["sha256"],
            f"{file['path']} differs.",
            f"{file['path']} の内容が異なります。",
        )
        count += 1
    return say(f"{count:,} files are the ones of the list", f"{count:,} ファイルが一覧と一致")


def openssl(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run openssl."""
    program = shutil.which("openssl")
    if program is None:
        raise Unchecked(
            say(
                "openssl is not installed; README.txt has the commands",
                "openssl がありません。README.txt のコマンドをお使いください",
            )
        )
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
