"""A repository as one person's client of the Hub sees it, in this process."""

from __future__ import annotations

import base64
import hashlib
import json

from tests.rooms.clients import caller_of
from tsunagu.core.blobs import new_key
from tsunagu.core.blobs.chunks import sealed_size
from tsunagu.core.ids import new_id
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.storage import api as storage
from tsunagu.foundation.storage.selectors import store_of

EMPTY = "0" * 40


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def file(path, content):
    return {
        "key": "file",
        "value": {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"},
    }


def named(path, content, **more):
    value = {"path": path, "algo": "sha256", "oid": sha256(content), "size": len(content)}
    return {"key": "lfsFile", "value": {**value, **more}}


def gone(path, kind="deletedFile"):
    return {"key": kind, "value": {"path": path}}


class Repository:
    """A dataset as one person's client of the Hub sees it."""

    def __init__(self, actor, slug="lab/data"):
        self.actor, self.slug = actor, slug
        self.client = caller_of(actor)

    def post(self, place, body, **more):
        data = body if isinstance(body, bytes) else json.dumps(body)
        return self.client.post(place.replace("ID", self.slug), data, content_type="application/json", **more)

    def commit(self, *changes, summary="s", parent=None, revision="main", raw=None):
        header = {"summary": summary, "description": ""} | ({"parentCommit": parent} if parent else {})
        lines = [{"key": "header", "value": header}, *changes]
        body = raw if raw is not None else b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        return self.post(f"/api/datasets/ID/commit/{revision}", body)

    def batch(self, *contents, **more):
        objects = [{"oid": sha256(content), "size": len(content)} for content in contents]
        body = {"operation": "upload", "transfers": ["basic", "multipart"], "objects": objects, **more}
        return self.post("/datasets/ID.git/info/lfs/objects/batch", body)

    @property
    def card(self):
        return datasets.get_dataset(self.actor, *self.slug.split("/"))

    @property
    def paths(self):
        page = datasets.list_files(self.actor, self.card, version=self.card.last_version, limit=1000)
        return [one.path for one in page.files]

    def arrive(self, content, *, unit="", domain=None):
        """What the byte server does when an object has come."""
        card = self.card
        domain = card.key_domain if domain is None else domain
        key, size = new_key(), len(content)
        writer = store_of(domain).create(key)
        writer.write(content, 0)
        writer.finish(size)
        stored = sealed_size(size) if domain else size
        new = storage.NewObject(key, stored, "file", unit or new_id(), domain)
        who = (self.actor.kind, self.actor.id, self.actor.token_id)
        digest = hashlib.sha256(content).digest()
        return key, capture.stage_arrival(capture.StagedArrival(card.id, who, new, digest, size))
