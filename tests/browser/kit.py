"""Driving Chromium against a real node: sign in, read pages, compute codes, run axe."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import struct
import subprocess
import time
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.rooms.scanned_pages import LINES, as_bytes, scanned

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "screenshots"
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
]  # fmt: skip
AXE = "axe-core@4.14.1"
DATASET = "/d/lab/licoo2"
# Addresses of every page; names are those of pictures.
# Smaller than what lies there and due long ago: the page shows red, yellow and green.
PLAN = {
    "dmp": {
        "title": "正極材料のデータ管理計画",
        "language": "jpn",
        "created": "2020-04-01T00:00:00+09:00",
        "modified": "2020-04-01T00:00:00+09:00",
        "dmp_id": {"identifier": "plan-1", "type": "other"},
        "contact": {
            "name": "髙橋 花子",
            "mbox": "owner@example.org",
            "contact_id": {"identifier": "0000-0002-1825-0097", "type": "orcid"},
        },
        "ethical_issues_exist": "no",
        "dataset": [
            {
                "title": "充放電測定",
                "dataset_id": {"identifier": "lab/licoo2", "type": "other"},
                "personal_data": "no",
                "sensitive_data": "no",
                "distribution": [
                    {"title": "充放電測定", "data_access": "open", "byte_size": 10, "issued": "2021-04-01"}
                ],
            }
        ],
    }
}
PAGES = {
    "home": "/",
    "datasets": "/datasets",
    "search": "/search?q=licoo2&project=lab",
    "search-none": "/search?q=%E5%AD%98%E5%9C%A8%E3%81%97%E3%81%AA%E3%81%84%E8%AA%9E",
    "projects": "/projects",
    "project": "/projects/lab",
    "members": "/projects/lab/members",
    "plan": "/projects/lab/plan",
    "plan-edit": "/projects/lab/plan/edit?template=jst",
    "dataset": DATASET,
    "files": f"{DATASET}/files",
    "folder": f"{DATASET}/files/%E8%A3%85%E7%BD%AE/XRD",
    "curve": f"{DATASET}/file/%E8%A3%85%E7%BD%AE/XRD/scan_01.csv",
    "picture": f"{DATASET}/file/%E5%86%99%E7%9C%9F.png",
    "unreadable": f"{DATASET}/file/broken.h5",
    "metadata": f"{DATASET}/metadata",
    "edit": f"{DATASET}/metadata?edit=description",
    "provenance": f"{DATASET}/provenance",
    "versions": f"{DATASET}/versions",
    "access": f"{DATASET}/access",
    "sealed": "/d/vault/sealed/access",
    "shredded": "/d/vault/shredded/access",
    "shredded-files": "/d/vault/shredded/files",
    "unsorted": "/projects/attic/unsorted",
    "unsorted-files": "/projects/attic/unsorted?kind=data&by=format",
    "scan": "/d/attic/unsorted-old-disk/scan/1998/notebook.pdf?find=%E7%84%BC%E6%88%90",
    "scan-file": "/d/attic/unsorted-old-disk/file/1998/notebook.pdf",
    "negative-result": "/d/attic/no-phase",
    "failures": "/search/failures",
    "keeping": f"{DATASET}/keeping",
    "keeping-office": "/keeping",
    "tombstone": "/d/lab/mistake",
    "landing": "/d/lab/tables/v1",
    "use": "/d/lab/tables/use",
    "common-items": f"{DATASET}/common-items",
    "publication": f"{DATASET}/publication",
    "publishing": "/publishing?state=published",
    "publishers": "/publishing/institutions",
    "articles": "/publishing/articles",
    "notices": "/notices",
    "graph": "/graph?kind=data",
    # The address of the ORCID iD of Angles and counts; it is computed from the iD.
    "thing": "/graph/639M82HW2CJ9VTA5HEVTQEV93N",
    "thing-more": "/graph/639M82HW2CJ9VTA5HEVTQEV93N?relation=creator&way=to",
    "graph-proposals": "/graph/proposals",
    "tables": "/d/lab/tables/tables?spread=angle&x=angle&y=counts&sort=counts&column=counts&is=%3E&value=3",
    "tables-sql": "/d/lab/tables/tables?sql=select+%2A+from+scan",
    "no-tables": f"{DATASET}/tables",
    "ready": f"{DATASET}/ready",
    "ready-derived": "/d/lab/licoo2-ready/ready",
    "ai-use": f"{DATASET}/ai-use",
    "ai-services": "/ai-services",
    "freeze": f"{DATASET}/freeze",
    "upload": f"{DATASET}/upload",
    "instruments": "/instruments",
    "mapping": "/mapping",
    "account": "/account",
    "connections": "/account/programs",
    "device": "/device",
    "programs": "/programs",
    "institutions": "/institutions",
    "confirm": "/account/confirm",
    "patterns": "/patterns",
    "missing": "/d/no/thing",
    "two-factor": "/accounts/2fa/",
    "totp": "/accounts/2fa/totp/activate/",
    "passkey": "/accounts/2fa/webauthn/add/",
    "keys": "/accounts/2fa/webauthn/",
    "password": "/accounts/password/set/",
    "email": "/accounts/email/",
    "sessions": "/accounts/sessions/",
}
ENTRANCE = {"front": "/", "sign-in": "/accounts/login/", "reset": "/accounts/password/reset/"}


def png(width: int, height: int) -> bytes:
    """A picture made without a library: a gradient."""
    rows = b"".join(
        b"\0" + bytes(v for x in range(width) for v in (x % 256, y % 256, 90)) for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def scan(shift: float) -> str:
    """An XRD-like curve as CSV."""
    points = (10 + n * 0.1 for n in range(500))
    peaks = (
        (x, 40 + 900 / (1 + ((x - 28 - shift) / 0.2) ** 2) + 500 / (1 + ((x - 47) / 0.3) ** 2))
        for x in points
    )
    return "2theta (deg),intensity (cps)\n" + "".join(f"{x:.2f},{y:.1f}\n" for x, y in peaks)


def sample(root: Path) -> Path:
    """A small laboratory's folder, with names and contents that go wrong easily."""
    (root / "装置" / "XRD").mkdir(parents=True)
    for number in range(1, 4):
        (root / "装置" / "XRD" / f"scan_{number:02}.csv").write_text(scan(number * 0.3), "utf-8")
    (root / "装置" / "測定条件.txt").write_text(
        "Operator: 髙橋 花子\nTemperature: 295 K\nSample: LiCoO2-07\n", "utf-8"
    )
    (root / "写真.png").write_bytes(png(640, 360))
    (root / "操作記録.csv").write_bytes("日時,操作,担当\n10:00,開始,﨑山\n12:30,終了,髙橋\n".encode("cp932"))
    (root / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(60))
    (root / "unknown.dat").write_bytes(bytes(range(256)) * 8)
    (root / "x<img src=x onerror=window.hurt=1>.txt").write_text(
        'Comment: <script>window.hurt=1</script>\n"><svg onload=window.hurt=1>: {{ 7|add:7 }}\n', "utf-8"
    )
    return root  # fmt: skip


def showcase(root: Path) -> Path:
    """The same without what goes wrong on purpose, for the picture that strangers see first."""
    sample(root)
    for path in root.iterdir():
        if path.name.startswith(("x<", "broken", "unknown")):
            path.unlink()
    return root


def fill_attic(node: Any, root: Path) -> None:
    """A project with an old disk that lies unsorted, its scans read, and a dataset that tells of a failure."""
    (root / "1998").mkdir(parents=True)
    pages = [scanned(), scanned(LINES[::-1], askew=-0.5)]
    (root / "1998" / "notebook.pdf").write_bytes(as_bytes(pages, "PDF"))
    for number in range(1, 4):
        (root / "1998" / f"run_{number}.csv").write_text(scan(number * 0.4), "utf-8")
    (root / "copy of run_1.csv").write_text(scan(0.4), "utf-8")
    (root / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(60))
    node.run("project", "create", "attic")
    node.run("push", "--unsorted", str(root), "attic")
    node.wait_for_readings("attic/unsorted-old-disk")
    node.run("ocr", "attic/unsorted-old-disk", check=False)  # where there is no engine, the pages say so
    told = {
        "--tried": "空気中、900 °Cで2時間焼成した。",
        "--expected": "単相の酸化物。",
        "--outcome": "未反応の前駆体との混相になった。",
        "--reason": "前駆体が吸湿していた。",
    }
    (root.parent / "failed").mkdir()
    (root.parent / "failed" / "run_1.csv").write_text(scan(0.4), "utf-8")
    node.run("push", str(root.parent / "failed"), "attic/no-phase")
    node.run("negative", "attic/no-phase", *(part for pair in told.items() for part in pair))
    assert (
        node.api("PUT", "/datasets/attic/no-phase/metadata/title", {"value": "単相が得られなかった焼成"})[0]
        == 200
    )


def seal_and_shred(node: Any, folder: Path) -> None:
    """Two datasets of a project of their own: a sealed one, and one whose bytes were destroyed."""
    node.run("project", "create", "vault")
    for name in ("sealed", "shredded"):
        node.run("seal", f"vault/{name}", "--create")
        node.run("push", str(folder), f"vault/{name}")
        node.run("freeze", f"vault/{name}")
    node.run(
        "shred",
        "vault/shredded",
        "--reason",
        "同意の撤回(2027年5月2日付の書面)",
        "--confirm",
        "vault/shredded",
    )


def sign_in(page: Any, node: Any, email: str) -> None:
    """By a one-time link, as a person who was invited."""
    made = node.run("admin", "link", email, "--home", str(node.home)).stdout.strip()
    page.goto(made)
    page.locator("main form button").click()
    page.wait_for_url("**/account")


def totp(secret: str, *, at: float | None = None) -> str:
    """The six digits of RFC 6238 at a time (seconds since 1970)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int((at or time.time()) // 30)), hashlib.sha1)
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def axe_script() -> str:
    """The accessibility checker, fetched once into an ignored folder; skips where it cannot be had."""
    folder = ROOT / "node_modules"
    found = folder / "axe-core" / "axe.min.js"
    if not found.exists():
        if not shutil.which("npm"):
            pytest.skip("axe-core: npm is not here")
        folder.mkdir(exist_ok=True)
        done = subprocess.run(
            ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(folder.parent), AXE],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode or not found.exists():
            pytest.skip(f"axe-core cannot be installed: {done.stderr[-300:]}")
    return found.read_text("utf-8")


def violations(page: Any) -> list[str]:
    """What axe finds against WCAG 2.0, 2.1 and 2.2, A and AA."""
    page.evaluate(axe_script())  # a tag would need the page's policy to allow it
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
    return [
        f"{rule['id']}: {node['html'][:160]} ({json.dumps(node['any'][:1])[:300]})"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def drop_folder(page: Any, folder: Path) -> None:
    """Choose a folder as a person does."""
    page.set_input_files("#pick-folder", str(folder))


def tables(place: Path) -> Path:
    """A folder with a table as instruments fill them."""
    place.mkdir()
    angle = pa.field("angle", pa.float64(), metadata={"unit": "deg"})
    schema = pa.schema([angle, pa.field("counts", pa.int64()), pa.field("試料", pa.string())])
    columns = [[n / 10 for n in range(300)], [n % 11 for n in range(300)], ["標準試料"] * 300]
    pq.write_table(pa.table(columns, schema=schema), place / "scan.parquet")
    return place
