"""An old disk in an inbox, and decisions about it that are carried out here and now."""

from __future__ import annotations

from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description.extraction import files_of, read_files
from tsunagu.data.unsorted import api as unsorted
from tsunagu.data.unsorted import carrying
from tsunagu.data.unsorted.models import Decision
from tsunagu.formats.tests.built import build
from tsunagu.foundation.identity.api import SYSTEM


def old_disk(owner, known, put, folder):
    """Measured files, a copy of what is known, a broken file; all were read. The owner, the inbox, the push."""
    put(owner, known, {"kept.csv": b"x,y\n1,2\n"})
    card = unsorted.open_inbox(owner, "lab", "Old disk 1998")
    files = {
        "xrd/scan.ras": build("scan.ras", folder).read_bytes(),
        "xrd/notes.txt": "焼成は失敗。\n".encode(),
        "ir/ir.jdx": build("ir.jdx", folder).read_bytes(),
        "copy/of-kept.csv": b"x,y\n1,2\n",
        "copy/twice.csv": b"a,b\n5,6\n",
        "copy/twice again.csv": b"a,b\n5,6\n",
        "broken.pdf": b"%PDF-1.4 nothing more",
    }
    arrived = put(owner, card, files)
    read_files(SYSTEM, new_id(), card.id, files_of(card.id))
    return owner, datasets.get_dataset(owner, "lab", card.name), arrived


def paths_in(owner, name):
    card = datasets.get_dataset(owner, "lab", name)
    return {file.path for file in datasets.all_files(card, card.draft_number)}


def carried(card):
    carrying.carry_out.call(decision=card.id)
    return Decision.objects.get(uid=card.id)
