"""A sign-in under way between the node and an identity provider."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.federation import Idp
from tsunagu.core import settings as node_settings
from tsunagu.foundation.identity import api as identity


class World:
    """One sign-in under way at one of two providers."""

    def __init__(self, idp: Idp, other: Idp) -> None:
        self.idp, self.other = idp, other
        self.acs = f"{node_settings.current().control_address}/saml/acs"
        self.audience = f"{node_settings.current().control_address}/saml/metadata"

    def begin(self, **more: Any) -> World:
        address = identity.begin_sign_in(self.idp.entity_id, browser="b", **more)
        query = parse_qs(urlsplit(address).query)
        self.handle = query["RelayState"][0]
        import zlib

        xml = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15).decode()
        self.xml, self.signed = xml, "Signature" in query
        self.request_id = xml.split('ID="')[1].split('"')[0]
        return self

    def response(self, **more: Any) -> str:
        more = {"acs": self.acs, "audience": self.audience, **more}
        return self.idp.response(more.pop("request_id", self.request_id), **more)

    def signed_response(self, *, what: str = "both", **more: Any) -> str:
        xml = self.response(**more)
        if what in {"assertion", "both"}:
            xml = self.idp.signer.sign(xml, child=xml.split('Assertion ID="')[1].split('"')[0])
        return self.idp.signer.sign(xml) if what in {"response", "both"} else xml

    def send(self, xml: str, handle: str | None = None) -> str:
        return identity.receive_answer(base64.b64encode(xml.encode()).decode(), handle or self.handle)

    def sign_in(self, attributes: dict[str, list[str]], **more: Any) -> identity.Claims:
        code = self.begin().send(self.signed_response(attributes=attributes, **more))
        return identity.finish_sign_in(code, browser="b").claims
