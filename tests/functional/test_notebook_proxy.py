"""Notebooks behind nginx, as the page for administrators writes it: TLS, a name for each, a kernel's websocket."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from tests import nginx, notebooks
from tests.node import free_port, running_node

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
    pytest.mark.skipif(
        not (shutil.which("nginx") and shutil.which("openssl")), reason="nginx is not installed"
    ),
    pytest.mark.skipif(
        bool(notebooks.missing(".lab", "jupyterlab")), reason=notebooks.missing(".lab", "jupyterlab")
    ),
]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "work-in-a-notebook.md"


def _written() -> str:
    (block,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return str(block)


def _frame(folder: Path, port: int, gate: int) -> Path:
    """The page's server with another port, name and certificate; $host has no port, which one beside 443 needs."""
    site = _written()
    for here, there in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("*.notebooks.example.ac.jp", "*.notebooks.localhost"),
        (
            "# ssl_certificate ...",
            f"ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;",
        ),
        ("127.0.0.1:8002", f"127.0.0.1:{gate}"),
        ("Host $host", "Host $http_host"),
    ):
        assert site.count(here) == 1, here
        site = site.replace(here, there)
    (folder / "client_body").mkdir(mode=0o500)  # whoever wants to keep a body there fails
    return nginx.framed(folder, site)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    folder = tmp_path_factory.mktemp("proxy")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tsunagu",
         "-addext", "subjectAltName=DNS:*.notebooks.localhost,IP:127.0.0.1",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    port, settings = free_port(), notebooks.settings()
    settings["TSUNAGU_NOTEBOOKS_URL"] = f"https://{{run}}.notebooks.localhost:{port}"
    frame = _frame(folder, port, int(settings["TSUNAGU_NOTEBOOKS_PORT"]))
    proxy = subprocess.Popen(["nginx", "-p", folder, "-c", frame, "-e", folder / "error.log"])
    try:
        with running_node(folder / "home", settings) as node:
            notebooks.lend(node, ".lab", notebooks.ROOMS / "notebooks" / "jupyterlab.lock")
            node.run("project", "create", "lab")
            (folder / "data").mkdir()
            (folder / "data" / "a.csv").write_text("3\n")
            node.run("push", str(folder / "data"), "lab/one")
            node.run("freeze", "lab/one")
            yield node, ssl.create_default_context(cafile=str(folder / "cert.pem"))
    finally:
        proxy.terminate()
        proxy.wait(20)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
def test_a_kernel_computes_through_the_proxy_and_strangers_stay_out(proxied):
    node, trusted = proxied
    person = notebooks.Person(node, "owner@example.org")
    run = person.open("lab/one", "lab/kept")
    lab = person.enter(run, trusted=trusted)
    assert lab.host.startswith(f"{run.lower()}.notebooks.localhost:"), lab.host
    kernel = lab.kernel()
    assert (
        lab.execute(kernel, "import os\nprint(open(os.environ['TSUNAGU_IN'] + '/a.csv').read())") == "3\n\n"
    )
    # More than nginx takes, left to itself; and nothing of it may wait on the proxy's disk, where sealed data would lie plain.
    large = {"type": "file", "format": "text", "content": "x" * (2 << 20)}
    assert lab.ask("PUT", "/api/contents/large.txt", large)[0] == 201
    assert lab.ask("GET", "/api/contents", Cookie="tsunagu_notebook=guessed")[0] == 403
    assert lab.ask("POST", "/api/kernels", {}, Origin="https://elsewhere.example")[0] == 403
    assert lab.ask("GET", "/api/contents", Host=lab.host.replace(run.lower(), "0" * 26))[0] in {403, 404}
    node.run("notebook", "lab/one", "--stop")
    found = notebooks.wait_for(node, run, {"succeeded", "failed", "cancelled"})
    assert (found["state"], found["version"]) == ("succeeded", 1), found
