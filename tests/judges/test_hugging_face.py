"""Unmodified huggingface_hub, datasets and pandas read a node: ``HF_ENDPOINT`` is its address, ``HF_TOKEN`` its token."""

from __future__ import annotations

import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.judges.hub_client import HubClient

pytestmark = pytest.mark.functional


@pytest.fixture
def read(node, tmp_path):
    return HubClient(node, tmp_path)


def _parquet(path, start, count):
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "id": pa.array(range(start, start + count), pa.int64()),
            "angle": pa.array([0.5 * n for n in range(count)], pa.float32()),
            "phase": ["α", "β"] * (count // 2),
        }
    )
    pq.write_table(table, path, row_group_size=1000)


@pytest.fixture(scope="session")
def shards(node, tmp_path_factory):
    """Two versions of an open dataset with splits, as the Hub's users lay them out."""
    folder = tmp_path_factory.mktemp("shards")
    for number in range(2):
        _parquet(folder / "data" / f"train-{number:05d}-of-00002.parquet", 4000 * number, 4000)
    _parquet(folder / "data" / "test-00000-of-00001.parquet", 9000, 500)
    node.run("push", str(folder), "lab/shards")
    node.run("freeze", "lab/shards")
    (folder / "測定 条件.txt").write_text("Cu Kα\n")
    node.run("push", str(folder), "lab/shards")
    node.run("freeze", "lab/shards")
    status, _ = node.api("PATCH", "/datasets/lab/shards", {"access": "open"})
    assert status == 200
    return folder


def test_datasets_loads_and_streams(read, shards):
    found = read("""
        from datasets import load_dataset
        whole = load_dataset("lab/shards")
        stream = load_dataset("lab/shards", split="train", streaming=True)
        print(json.dumps({
            "rows": {name: len(part) for name, part in whole.items()},
            "sum": sum(whole["train"]["id"]),
            "phases": whole["test"]["phase"][:2],
            "streamed": sum(row["id"] for row in stream),
        }))
    """, token="")  # fmt: skip
    assert found["rows"] == {"train": 8000, "test": 500}
    assert found["sum"] == found["streamed"] == sum(range(8000))
    assert found["phases"] == ["α", "β"]


def test_the_hub_client_reads_everything(read, shards, node):
    found = read("""
        import hashlib, huggingface_hub as hub
        from pathlib import Path
        api, out = hub.HfApi(), {}
        name = dict(repo_id="lab/shards", repo_type="dataset")
        out["files"] = api.list_repo_files(**name)
        info = api.dataset_info("lab/shards", files_metadata=True)
        out["sha"] = info.sha
        out["sizes"] = {one.rfilename: one.size for one in info.siblings}
        out["hashes"] = {one.rfilename: one.lfs.sha256 for one in info.siblings if one.lfs}
        refs = api.list_repo_refs(**name)
        out["tags"] = {one.name: one.target_commit for one in refs.tags}
        out["commits"] = [one.commit_id for one in api.list_repo_commits(**name)]
        folder = Path(hub.snapshot_download(**name))
        out["snapshot"] = {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
                           for p in sorted(folder.rglob("*")) if p.is_file()}
        old = Path(hub.snapshot_download(**name, revision="v1"))
        out["old"] = sorted(str(p.relative_to(old)) for p in old.rglob("*") if p.is_file())
        one = hub.hf_hub_download(**name, filename="測定 条件.txt", revision="2")
        out["text"] = Path(one).read_text()
        out["exists"] = [api.file_exists(**name, filename="data/test-00000-of-00001.parquet"),
                         api.file_exists(**name, filename="nothing"), api.repo_exists(**name),
                         api.repo_exists(repo_id="lab/nothing", repo_type="dataset"),
                         api.revision_exists(**name, revision="v3")]
        out["whoami"] = api.whoami()["name"]
        out["tree"] = sorted(type(e).__name__ + " " + e.path for e in api.list_repo_tree(**name, recursive=True))
        out["top"] = sorted(e.path for e in api.list_repo_tree(**name))
        out["paths"] = sorted(e.path for e in api.get_paths_info(**name, paths=["data", "nothing", "README.md"]))
        print(json.dumps(out))
    """)
    wanted = {
        str(path.relative_to(shards)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in shards.rglob("*")
        if path.is_file()
    }
    assert {name: digest for name, digest in found["snapshot"].items() if name != "README.md"} == wanted
    assert found["hashes"] == wanted
    assert set(found["files"]) == {*wanted, "README.md"} == set(found["sizes"])
    assert found["sha"] == found["tags"]["v2"] == found["commits"][0]
    assert found["commits"][1] == found["tags"]["v1"]
    assert "測定 条件.txt" not in found["old"]
    assert found["text"] == "Cu Kα\n"
    assert found["exists"] == [True, False, True, False, False]
    assert found["whoami"]
    assert "RepoFolder data" in found["tree"]
    assert found["top"] == ["README.md", "data", "測定 条件.txt"]
    assert found["paths"] == ["README.md", "data"]


def test_files_are_read_where_they_lie(read, shards):
    found = read("""
        import pandas, huggingface_hub as hub
        fs = hub.HfFileSystem()
        frame = pandas.read_parquet("hf://datasets/lab/shards/data/test-00000-of-00001.parquet")
        with fs.open("datasets/lab/shards/data/train-00001-of-00002.parquet") as file:
            file.seek(-4, 2)
            tail = file.read()
        print(json.dumps({
            "rows": len(frame), "tail": tail.decode(),
            "glob": sorted(fs.glob("datasets/lab/shards/data/*.parquet")),
            "old": fs.exists("datasets/lab/shards@v1/測定 条件.txt"),
        }))
    """)
    assert found["rows"] == 500
    assert found["tail"] == "PAR1"
    assert len(found["glob"]) == 3
    assert found["old"] is False


def test_files_of_an_instrument_become_one_table(read, node, tmp_path):
    """Nobody wrote a card or named a split: the card that is made says which files are the table."""
    folder = tmp_path / "runs"
    for sample in ("a", "b", "c"):
        (folder / sample).mkdir(parents=True)
        (folder / sample / "scan.csv").write_text("angle,count\n1.0,10\n2.0,20\n")
        (folder / sample / "log.txt").write_text("ok\n")
    node.run("push", str(folder), "lab/runs")
    for name, value in (("title", "薄膜のX線回折"), ("licence", "CC BY 4.0")):
        assert node.api("PUT", f"/datasets/lab/runs/metadata/{name}", {"value": value})[0] == 200
    node.run("freeze", "lab/runs")
    node.api("PATCH", "/datasets/lab/runs", {"access": "open"})
    found = read("""
        from datasets import load_dataset
        import huggingface_hub as hub
        card = hub.DatasetCard.load("lab/runs")
        data = load_dataset("lab/runs", split="train")
        print(json.dumps({"rows": len(data), "columns": data.column_names, "licence": card.data.license,
                          "name": card.data.pretty_name, "sum": sum(data["count"])}))
    """, token="")  # fmt: skip
    assert found == {
        "rows": 6, "columns": ["angle", "count"], "licence": "cc-by-4.0", "name": "薄膜のX線回折", "sum": 90,
    }  # fmt: skip


def test_hidden_closed_and_unfrozen_data(read, node, tmp_path):
    """Strangers hear of nothing; members are led to the question that is open; a draft is no revision."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.csv").write_text("x\n1\n")
    node.run("push", str(tmp_path / "secret"), "lab/secret")
    ask = """
        import huggingface_hub as hub
        try:
            hub.hf_hub_download("lab/secret", "a.csv", repo_type="dataset")
            print(json.dumps(["read"]))
        except Exception as error:
            print(json.dumps([type(error).__name__, str(error)]))
    """
    assert read(ask)[0] == "RevisionNotFoundError"
    node.run("freeze", "lab/secret")
    stranger = node.make_token("stranger@example.org")
    assert read(ask, token=stranger)[0] == read(ask, token="")[0] == "RepositoryNotFoundError"
    name, words = read(ask)
    assert name == "GatedRepoError"
    assert f"{node.url}/d/lab/secret/ai-use?version=1" in words
    purpose = ("--purpose", "read through the Hugging Face interface", "--kind", "training")
    open_items = json.loads(node.run("ai-use", "lab/secret@1", *purpose, "--json", check=False).stdout)
    for _ in range(10):
        asked = [item["id"] for item in open_items["items"] if item.get("may_answer")]
        if open_items["answer"] != "needs" or not asked:
            break
        answers = [part for item in asked for part in ("--answer", f"{item}=yes")]
        said = node.run("ai-use", "lab/secret@1", *purpose, *answers, "--json", check=False).stdout
        open_items = json.loads(said)
    assert open_items["answer"] == "allow", open_items
    assert read(ask) == ["read"]
    runs = node.api("GET", "/datasets/lab/secret/runs?limit=100")[1]["runs"]
    kept = [run["parameters"] for run in runs if run["kind"] == "check_ai_use"]
    assert {"needs", "allow"} <= {one["answer"] for one in kept}
    before = len(kept)
    assert read(ask) == ["read"]
    runs = node.api("GET", "/datasets/lab/secret/runs?limit=100")[1]["runs"]
    assert len([run for run in runs if run["kind"] == "check_ai_use"]) == before, (
        "kept once a day, not per file"
    )


def test_a_wrong_token_is_said(read, shards):
    words = read("""
        import huggingface_hub as hub
        hub.HfApi().whoami()
    """, token="hf_wrong", is_good=False)  # fmt: skip
    assert "Invalid" in words
