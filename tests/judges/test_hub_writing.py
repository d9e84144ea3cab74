"""Unmodified huggingface_hub and datasets write to a node: by LFS, by Xet, and small files in the commit."""

from __future__ import annotations

import hashlib
import random
import re
import urllib.request

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


def received_bytes(node):
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port + 1}/metrics", timeout=10) as page:
        found = re.search(r"received_bytes_total\S* (\d+)", page.read().decode())
    return int(found[1]) if found else 0


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


def test_files_are_written_where_they_lie(write, node):
    """pandas and HfFileSystem write, copy and remove by address."""
    slug = f"lab/places-{write.way}"
    found = write(f"""
        import pandas as pd, huggingface_hub as hub
        api, fs = hub.HfApi(), hub.HfFileSystem()
        api.create_repo("{slug}", repo_type="dataset", visibility="public")
        pd.DataFrame({{"a": range(100)}}).to_parquet("hf://datasets/{slug}/data/x.parquet")
        with fs.open("datasets/{slug}/notes.txt", "w") as file:
            file.write("hello")
        fs.cp_file("datasets/{slug}/data/x.parquet", "datasets/{slug}/copy/y.parquet")
        fs.rm("datasets/{slug}/data", recursive=True)
        fs.invalidate_cache()
        print(json.dumps({{"sum": int(pd.read_parquet("hf://datasets/{slug}/copy/y.parquet").a.sum()),
                          "files": sorted(one.removeprefix("datasets/{slug}/") for one in fs.find("datasets/{slug}"))}}))
    """)
    assert found == {"sum": 4950, "files": ["README.md", "copy/y.parquet", "notes.txt"]}


def test_a_folder_that_replaces_all_others(write, node, tmp_path):
    """delete_patterns names what a list shows, the card that the node made included."""
    slug = f"lab/replaced-{write.way}"
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "b.bin").write_bytes(b"b" * 70_000)
    write(f"""
        import huggingface_hub as hub
        api, name = hub.HfApi(), dict(repo_id="{slug}", repo_type="dataset")
        api.create_repo(**name)
        api.upload_file(**name, path_or_fileobj=b"a", path_in_repo="a.txt")
        api.upload_folder(**name, folder_path={str(tmp_path / "new")!r}, delete_patterns="*")
        print(json.dumps(0))
    """)
    assert list(held(node, slug, len(node.api("GET", f"/datasets/{slug}/versions")[1]["versions"]))) == [
        "b.bin"
    ]


def test_a_file_in_parts(node, tmp_path):
    """Above 256 MiB the client is told to send parts."""
    client = HubClient(node, tmp_path, **WAYS["lfs"])
    big = tmp_path / "big.bin"
    big.write_bytes(random.Random(6).randbytes(30_000_000) * 10)
    client(f"""
        import huggingface_hub as hub
        api, name = hub.HfApi(), dict(repo_id="lab/parts", repo_type="dataset")
        api.create_repo(**name)
        api.upload_file(**name, path_or_fileobj={str(big)!r}, path_in_repo="big.bin")
        print(json.dumps(0))
    """)
    assert held(node, "lab/parts", 1) == {"big.bin": hashlib.sha256(big.read_bytes()).hexdigest()}


def test_a_file_of_several_blocks_and_what_an_edit_costs(node, tmp_path):
    """A client that remembers what it sent sends one percent, and nothing of one dataset to another."""
    client, noise = HubClient(node, tmp_path), random.Random(5)
    big = tmp_path / "big.bin"
    big.write_bytes(noise.randbytes(150_000_000))
    upload = """
        import huggingface_hub as hub
        api, name = hub.HfApi(), dict(repo_id="lab/{name}", repo_type="dataset")
        api.create_repo(**name, exist_ok=True)
        api.upload_file(**name, path_or_fileobj={path!r}, path_in_repo="big.bin")
        print(json.dumps(0))
    """

    def send(name):
        before = received_bytes(node)
        client(upload.format(name=name, path=str(big)), cache="one cache")
        version = len(node.api("GET", f"/datasets/lab/{name}/versions")[1]["versions"])
        assert held(node, f"lab/{name}", version) == {"big.bin": hashlib.sha256(big.read_bytes()).hexdigest()}
        return received_bytes(node) - before

    assert send("edited") > 150_000_000
    assert send("other") > 150_000_000, "another dataset is another address, where nothing is known"
    with big.open("r+b") as file:
        file.seek(70_000_000)
        file.write(noise.randbytes(1_500_000))
    assert 1_500_000 <= send("edited") < 4_000_000


def test_a_sealed_dataset_stays_sealed(write, node, tmp_path):
    """Neither the blocks nor the file nor the small one lies plain anywhere below the node's home."""
    slug = f"lab/sealed-{write.way}"
    assert node.api("POST", "/datasets", {"project": "lab", "name": slug.partition("/")[2]})[0] == 201
    node.run("seal", slug)
    secret = b"nobody may read this: " + write.way.encode()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "large.bin").write_bytes(secret * 20_000)
    (tmp_path / "secret" / "small.txt").write_bytes(secret)
    write(f"""
        import huggingface_hub as hub
        hub.HfApi().upload_folder(repo_id="{slug}", repo_type="dataset", folder_path={str(tmp_path / "secret")!r})
        print(json.dumps(0))
    """)
    assert held(node, slug, 1) == digests(tmp_path / "secret")
    plain = [path for path in node.home.rglob("*") if path.is_file() and secret in path.read_bytes()]
    assert not plain


def test_requests_for_access(node, tmp_path):
    """A stranger is led to the page of requests; the owner answers with the client; gates show."""
    client = HubClient(node, tmp_path)
    stranger = node.make_token("asker@example.org")
    client("""
        import huggingface_hub as hub
        api, name = hub.HfApi(), dict(repo_id="lab/asked", repo_type="dataset")
        api.create_repo(**name)
        api.upload_file(**name, path_or_fileobj=b"x\\n1\\n", path_in_repo="a.csv")
        print(json.dumps(0))
    """)
    words = client("""
        import huggingface_hub as hub
        hub.HfApi().dataset_info("lab/asked")
    """, token=stranger, is_good=False)  # fmt: skip
    assert "RepositoryNotFoundError" in words
    assert f"{node.url}/d/lab/asked/ask" in words
    assert (
        node.api("POST", "/requests", {"place": "lab/asked", "reason": "to compare"}, token=stranger)[0]
        == 201
    )
    found = client("""
        import huggingface_hub as hub
        api, name = hub.HfApi(), dict(repo_id="lab/asked", repo_type="dataset")
        out = {"waiting": [(one.username, one.fields["reason"]) for one in api.list_pending_access_requests(**name)]}
        api.accept_access_request(**name, user="asker@example.org")
        out["left"] = len(list(api.list_pending_access_requests(**name)))
        out["accepted"] = [one.email for one in api.list_accepted_access_requests(**name)]
        api.auth_check("lab/asked", repo_type="dataset", write=True)
        print(json.dumps(out))
    """)
    assert found == {
        "waiting": [["asker@example.org", "to compare"]],
        "left": 0,
        "accepted": ["asker@example.org"],
    }
    words = client("""
        import huggingface_hub as hub
        api = hub.HfApi()
        info = api.dataset_info("lab/asked")
        assert info.gated == "manual", info.gated
        try:
            api.auth_check("lab/asked", repo_type="dataset", write=True)
        except hub.utils.HfHubHTTPError as error:
            assert error.response.status_code == 403
        api.auth_check("lab/asked", repo_type="dataset")
    """, token=stranger, is_good=False)  # fmt: skip
    assert "GatedRepoError" in words
    assert f"{node.url}/d/lab/asked/ai-use" in words
