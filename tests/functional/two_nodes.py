"""Two real nodes: one holds the data, the other lends its computers."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import time
import urllib.error
import urllib.request

from cryptography.hazmat.primitives import serialization

from tests.node import Node, free_port
from tsunagu.core.ids import new_id

LOST_S = 8
SOON = "2099-03-31"


def wait(condition, what, *, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)
    return found


class Pair:
    """Node ``home`` holds the data; node ``far`` lends its computers."""

    def __init__(self, folder):
        ports = free_port(), free_port()
        hosts = ",".join(
            f"{name}:{port + more}" for port in ports for name, more in (("localhost", 0), ("127.0.0.1", 1))
        )
        extra = {"TSUNAGU_EGRESS_ALLOWED": hosts, "TSUNAGU_COMPUTE_LOST_S": str(LOST_S)}
        self.home = Node(folder / "home", ports[0], {**extra, "TSUNAGU_NODE_NAME": "Minami"})
        self.far = Node(folder / "far", ports[1], {**extra, "TSUNAGU_NODE_NAME": "Kita"})
        for node in (self.home, self.far):
            node.start()
            node.token = node.make_token("owner@example.org")
        self.mine, self.theirs = self.home.json("compute", "own"), self.far.json("compute", "own")

    def offer(self, *more):
        me = self.mine
        return self.far.json(
            "compute", "offer", "Minami University", "--address", me["address"], "--bytes", me["bytes_address"],
            "--key", me["public_key"], "--until", SOON, *more,
        )["offers"][0]  # fmt: skip

    def renew(self, *more):
        """Another offer in place of the one in force."""
        for one in self.far.json("compute", "offers")["offers"]:
            if one["is_open"]:
                self.far.run("compute", "withdraw", one["id"])
        return self.offer(*more)

    def run(self, script, *options, check=True):
        done = self.home.run(
            "run", "lab/data", "--on", "kita", "--json", *options, "--", "sh", "-c", script, check=check
        )
        return json.loads(done.stdout) if done.stdout else done

    def started(self, script, out):
        run = self.run(f"echo up; {script}", "--out", out, "--detach")["run"]
        wait(lambda: "up" in self.home.run("logs", run).stdout, "the run to begin")
        return run

    def at_home(self, run):
        return self.home.api("GET", f"/runs/{run}")[1]

    def at_far(self, run):
        return next(
            (one for one in self.far.json("compute", "guests")["guests"] if one["partner_run"] == run), None
        )

    def wait_for(self, run, states, *, timeout_s=60):
        return wait(
            lambda: (found := self.at_home(run))["state"] in states and found,
            f"{run} to be {states}",
            timeout_s=timeout_s,
        )

    def stop(self):
        for node in (self.home, self.far):
            if node.process and node.process.poll() is None:
                node.stop()

    def fill(self, folder):
        """A frozen dataset at home that may leave, a site and an offer."""
        home, they = self.home, self.theirs
        home.run("project", "create", "lab")
        (folder / "a.txt").write_text("3\n1\n2\n")
        home.run("push", str(folder), "lab/data")
        for label in ("personal=no", "export_control=no", "sensitivity=2"):
            home.run("label", "lab/data", label)
        home.run("freeze", "lab/data")
        home.run(
            "compute", "site", "kita", "--title", "Kita University", "--address", they["address"],
            "--key", they["public_key"], "--country", "JP",
        )  # fmt: skip
        self.offer()


@contextlib.contextmanager
def two_nodes(tmp_path_factory):
    """A pair that is ready, and stopped at the end."""
    made = Pair(tmp_path_factory.mktemp("pair"))
    try:
        made.fill(tmp_path_factory.mktemp("data"))
        yield made
    finally:
        made.stop()


def key_of(node):
    """The key with which a node speaks to its partners."""
    return serialization.load_pem_private_key((node.home / "secrets" / "partner.key").read_bytes(), None)


def signed(key, to, do, *, at=0.0, nonce="", **content):
    """A message as the node with that key would sign it, to the node with the public key ``to``."""

    def key_id(raw):
        return hashlib.sha256(raw).hexdigest()[:16]

    said = {
        "from": key_id(key.public_key().public_bytes_raw()),
        "to": key_id(base64.b64decode(to)),
        "nonce": nonce or new_id(),
        "at": int(at or time.time()),
        "do": do,
        **content,
    }
    text = json.dumps(said)
    signature = key.sign(b"tsunagu partner request\0" + text.encode())
    return json.dumps({"message": text, "signature": base64.b64encode(signature).decode()}).encode()


def told(node, body):
    """Status and answer of a message."""
    request = urllib.request.Request(
        f"{node.url}/compute/partner", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(json.loads(answer.read())["message"])
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())
