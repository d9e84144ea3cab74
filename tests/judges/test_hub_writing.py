"""Unmodified huggingface_hub and datasets write to a node: by LFS, by Xet, and small files in the commit."""

from __future__ import annotations

import hashlib
import random

import pytest

from tests.judges.hub_client import HubClient

pytestmark = pytest.mark.functional
WAYS = {"lfs": {"HF_HUB_DISABLE_XET": "1"}, "xet": {}}


@pytest.fixture(params=WAYS)
def write(request, node, tmp_path):
    client = HubClient(node, tmp_path, **WAYS[request.param])
    client.way = request.param
    return client


@pytest.fixture
def folder(tmp_path):
    """Small and large, text and noise, in folders, with a Japanese name."""
    place = tmp_path / "to send"
    (place / "raw" / "深い").mkdir(parents=True)
    noise = random.Random(4)
    (place / "README.md").write_text("---\nlicense: cc-by-4.0\npretty_name: 測定\n---\n# 測定\n")
    (place / "empty.txt").write_bytes(b"")
    (place / "raw" / "small.csv").write_text("x,y\n1,2\n")
    (place / "raw" / "深い" / "測定 条件.txt").write_text("Cu Kα\n")
    (place / "raw" / "noise.bin").write_bytes(noise.randbytes(3_000_000))
    (place / "raw" / "zeros.bin").write_bytes(bytes(1_000_000))
    return place


def digests(place):
    return {
        str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in place.rglob("*")
        if path.is_file()
    }


def held(node, slug, version):
    files = node.api("GET", f"/datasets/{slug}/files?version={version}&limit=1000")[1]["files"]
    return {file["path"]: file["sha256"] for file in files}


def test_a_folder_goes_up_and_comes_back(write, node, folder):
    slug = f"lab/folder-{write.way}"
    found = write(f"""
        import hashlib, huggingface_hub as hub
        from pathlib import Path
        api, name = hub.HfApi(), dict(repo_id="{slug}", repo_type="dataset")
        out = {{"url": str(api.create_repo(**name)), "again": str(api.create_repo(**name, exist_ok=True))}}
        out["private"] = api.dataset_info("{slug}").private
        done = api.upload_folder(**name, folder_path={str(folder)!r}, commit_message="最初の測定",
                                 commit_description="as measured")
        out["oid"] = done.oid
        out["first"] = sorted(api.list_repo_files(**name))
        api.upload_file(**name, path_or_fileobj=b"x,y\\n3,4\\n", path_in_repo="raw/small.csv")
        api.delete_file("empty.txt", **name)
        api.delete_folder("raw/深い", **name)
        out["tags"] = [one.name for one in api.list_repo_refs(**name).tags]
        commits = api.list_repo_commits(**name)
        out["titles"] = [one.title for one in commits]
        out["same"] = commits[-1].commit_id == done.oid
        print(json.dumps(out))
    """)  # fmt: skip
    assert found["url"] == found["again"] == f"{node.url}/datasets/{slug}"
    assert found["private"] is True
    assert found["first"] == sorted(digests(folder))
    assert held(node, slug, 1) == digests(folder)
    assert found["tags"] == ["v4", "v3", "v2", "v1"]
    assert found["titles"][-1].startswith("最初の測定")
    assert found["same"]
    last = held(node, slug, 4)
    assert sorted(last) == ["README.md", "raw/noise.bin", "raw/small.csv", "raw/zeros.bin"]
    assert last["raw/small.csv"] == hashlib.sha256(b"x,y\n3,4\n").hexdigest()
    runs = node.api("GET", f"/datasets/{slug}/runs?limit=100")[1]["runs"]
    pushes = [run for run in runs if run["kind"] == "capture"]
    assert len(pushes) == 4
    assert {run["outcome"] for run in pushes} == {"ok"}
    assert all(
        run["software"]["client"].startswith("unknown/None") or run["software"]["client"] for run in pushes
    )


def test_datasets_push_and_load(write, node):
    slug = f"lab/table-{write.way}"
    found = write(f"""
        from datasets import Dataset, load_dataset
        data = Dataset.from_dict({{"id": list(range(2000)), "相": ["α", "β"] * 1000}})
        data.push_to_hub("{slug}", private=True)
        data.select(range(100)).push_to_hub("{slug}", split="test")
        print(json.dumps({{}}))
    """)
    node.api("PATCH", f"/datasets/{slug}", {"access": "open"})
    found = write(f"""
        from datasets import load_dataset
        back = load_dataset("{slug}")
        print(json.dumps({{"rows": {{name: len(part) for name, part in back.items()}}, "sum": sum(back["train"]["id"]),
                          "相": back["test"]["相"][:2]}}))
    """)
    assert found == {"rows": {"train": 2000, "test": 100}, "sum": sum(range(2000)), "相": ["α", "β"]}
