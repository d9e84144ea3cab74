"""Files from a browser without JavaScript: a plain form."""

from __future__ import annotations

import email.parser
import email.policy
import hashlib
import re
from typing import TYPE_CHECKING

from tsunagu.core import bundle
from tsunagu.core.blobs import new_key
from tsunagu.core.errors import InvalidInputError
from tsunagu.core.ids import new_id
from tsunagu.core.paths import check_path
from tsunagu.dataplane import receive
from tsunagu.dataplane.http import Answer, BodyCutError, Environ, content_length, header

if TYPE_CHECKING:
    from tsunagu.dataplane.app import ByteServer

_MOST_BYTES = 100 << 20
_PATH_ON_CONTROL = re.compile(r"/[^/\\]")


def put_form(server: ByteServer, environ: Environ) -> Answer:
    """Receive up to 100 MB of files as one pack and send the browser back to control."""
    length = content_length(environ, most=_MOST_BYTES)
    body = receive.into_memory(environ, length)
    if len(body) < length:
        raise BodyCutError
    fields, files = _parts(header(environ, "Content-Type"), bytes(body))
    claims = server.signer.read(fields.get("capability", ""), "push")
    folder = fields.get("folder", "").strip("/")
    pack, rows = bytearray(), []
    for name, content in files:
        path = check_path(f"{folder}/{name}" if folder else name)
        digest = hashlib.sha256(content).digest()
        pack += bundle.head(path.encode(), len(content), digest)
        rows.append([path, len(content), digest.hex(), len(pack)])
        pack += content
    if not rows:
        raise InvalidInputError("No file was chosen.", remedy="Go back, choose files, and send again.")
    pack += bundle.END
    key = new_key()
    server.store.put(key, pack)
    server.control.commit(
        run=claims["run"],
        dataset=claims["ds"],
        unit=new_id(),
        object={"key": key, "size": len(pack), "kind": "pack"},
        files=rows,
    )
    target = fields.get("return_to", "/")
    if not _PATH_ON_CONTROL.match(target):
        target = "/"  # never send a browser to an address that a form made up
    return Answer(303, {"Location": f"{server.config.control_origin}{target}", "Content-Length": "0"})


def _parts(content_type: str, body: bytes) -> tuple[dict[str, str], list[tuple[str, bytes]]]:
    """Fields and files of multipart/form-data (RFC 7578), by the parser of the standard library."""
    if not content_type.startswith("multipart/form-data"):
        raise InvalidInputError("This address takes multipart/form-data.")
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    message = parser.parsebytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body)
    fields: dict[str, str] = {}
    files: list[tuple[str, bytes]] = []
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        name = str(part.get_param("name", "", header="content-disposition"))
        filename = part.get_filename()
        if filename:
            files.append((filename.replace("\\", "/").rpartition("/")[2], content))
        elif filename is None:
            fields[name] = content.decode("utf-8", "replace").strip("\r\n")
    return fields, files
