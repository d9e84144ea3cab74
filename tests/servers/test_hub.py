"""The Hub's clients write to a grown node: PostgreSQL and S3, four of them at once."""

from __future__ import annotations

import hashlib
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.judges.hub_client import HubClient
from tests.node import running_node

pytestmark = pytest.mark.servers
UPLOAD = """
    import huggingface_hub as hub
    hub.HfApi().upload_folder(repo_id="lab/{name}", repo_type="dataset", folder_path={folder!r})
    print(json.dumps(0))
"""


def test_clients_at_once_on_a_grown_node(grown, tmp_path):
    noise, wanted = random.Random(9), {}
    for number in range(4):
        folder = tmp_path / f"f{number}" / f"d{number}"
        folder.mkdir(parents=True)
        (folder / "large.bin").write_bytes(noise.randbytes(400_000))
        (folder / "small.txt").write_text(f"small {number}")
        for path in folder.iterdir():
            wanted[f"d{number}/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    with running_node(tmp_path / "home", grown) as node:
        node.run("project", "create", "lab")
        for way, more in {"xet": {}, "lfs": {"HF_HUB_DISABLE_XET": "1"}}.items():
            client = HubClient(node, tmp_path, **more)
            client(f"""
                import huggingface_hub as hub
                hub.HfApi().create_repo("lab/{way}", repo_type="dataset")
                print(json.dumps(0))
            """)

            def send(number, client=client, way=way):
                return client(
                    UPLOAD.format(name=way, folder=str(tmp_path / f"f{number}")), cache=f"{way}{number}"
                )

            with ThreadPoolExecutor(4) as pool:
                list(pool.map(send, range(4)))
            versions = node.api("GET", f"/datasets/lab/{way}/versions")[1]["versions"]
            files = node.api("GET", f"/datasets/lab/{way}/files?version={len(versions)}&limit=100")[1][
                "files"
            ]
            assert {one["path"]: one["sha256"] for one in files} == wanted
            assert len(versions) >= 4
            node.run("verify", f"lab/{way}")
