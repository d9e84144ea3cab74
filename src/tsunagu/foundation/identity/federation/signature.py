"""Whether a metadata aggregate is what the federation's operator signed.

The signature must be a child of the root and cover the root: a search for "the Signature" would find the first one
anywhere, which is how wrapped documents get through. The key is the pinned one; what the document says about keys is
not looked at. lxml and xmlsec are imported here, in the worker, and not when control starts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tsunagu.foundation.identity.federation.errors import BadFeedSettingError, FeedRefusedError

DS = "http://www.w3.org/2000/09/xmldsig#"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_ENC = "http://www.w3.org/2001/04/xmlenc#"
SIGNATURES = frozenset(
    {*(f"{_MORE}rsa-sha{n}" for n in (256, 384, 512)), *(f"{_MORE}ecdsa-sha{n}" for n in (256, 384, 512))}
)
DIGESTS = frozenset({f"{_ENC}sha256", f"{_MORE}sha384", f"{_ENC}sha512"})
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_CANONICAL = frozenset({_EXCLUSIVE, f"{_EXCLUSIVE}WithComments"})
_TRANSFORMS = _CANONICAL | {f"{DS}enveloped-signature"}
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


def parse(content: bytes) -> Any:
    """The root element; no document type, no entities, no network.

    Raises:
        FeedRefusedError: not XML, or XML with a document type.
    """
    from lxml import etree

    parser = etree.XMLParser(
        huge_tree=True, resolve_entities=False, no_network=True, load_dtd=False, remove_comments=False
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise FeedRefusedError(f"The feed is not XML: {error}") from None
    if root.getroottree().docinfo.doctype:
        raise FeedRefusedError("The feed declares a document type, which metadata never does.")
    return root


def verify(root: Any, certificate: Path) -> None:
    """Check the signature of the root by a pinned certificate.

    Raises:
        FeedRefusedError: unsigned, signed elsewhere, by a weak algorithm or by another key.
        BadFeedSettingError: the certificate cannot be read.
    """
    import xmlsec

    keys = _keys(certificate)
    signature = _only_child(root, "Signature", "The feed is not signed at its root.")
    check_form(root, signature)
    for key in keys:
        context = xmlsec.SignatureContext()
        context.key = key
        context.register_id(root, "ID")  # the root alone: no other element can be meant
        try:
            context.verify(signature)
        except xmlsec.Error:
            continue
        return
    raise FeedRefusedError("The feed's signature does not fit the pinned certificate.")


def check_form(root: Any, signature: Any) -> None:
    """One reference, to the root, by algorithms that hold."""
    info = _only_child(signature, "SignedInfo", "The signature says nothing about what it covers.")
    method = _only_child(info, "SignatureMethod", "The signature names no algorithm.")
    canonical = _only_child(info, "CanonicalizationMethod", "The signature names no canonical form.")
    reference = _only_child(info, "Reference", "The signature does not cover exactly one element.")
    digest = _only_child(reference, "DigestMethod", "The signature names no digest.")
    name = root.get("ID")
    if not name or reference.get("URI") != f"#{name}":
        raise FeedRefusedError("The signature covers another element than the root.")
    if len(root.xpath("//@ID[. = $name]", name=name)) != 1:
        raise FeedRefusedError("Two elements bear the ID that the signature covers.")
    transforms = {node.get("Algorithm") for node in reference.iter(f"{{{DS}}}Transform")}
    used = (method.get("Algorithm"), digest.get("Algorithm"), canonical.get("Algorithm"))
    if used[0] not in SIGNATURES or used[1] not in DIGESTS:
        raise FeedRefusedError(
            f"The document is signed by a weak or unknown algorithm ({used[0]}, {used[1]})."
        )
    if used[2] not in _CANONICAL or not transforms <= _TRANSFORMS:
        raise FeedRefusedError("The signature transforms the document in a way that is not allowed.")


def _only_child(parent: Any, name: str, problem: str) -> Any:
    found = parent.findall(f"{{{DS}}}{name}")
    if len(found) != 1:
        raise FeedRefusedError(problem)
    return found[0]


def _keys(file: Path) -> list[Any]:
    import xmlsec

    try:
        text = file.read_bytes()
    except OSError as error:
        raise BadFeedSettingError(
            f"The certificate {file.name} of a metadata feed cannot be read: {error.strerror}."
        ) from None
    pieces = [_BEGIN + part.partition(_END)[0] + _END + b"\n" for part in text.split(_BEGIN)[1:]]
    try:
        keys = [xmlsec.Key.from_memory(piece, xmlsec.constants.KeyDataFormatCertPem) for piece in pieces]
    except xmlsec.Error:
        keys = []
    if not keys:
        raise BadFeedSettingError(f"{file.name} holds no certificate in PEM form.")
    return keys
