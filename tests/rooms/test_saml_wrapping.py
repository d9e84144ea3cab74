"""Signature wrapping, the eight classes of Somorovsky et al., "On Breaking SAML" (USENIX Security 2012)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.federation import DS
from tests.rooms.saml_worlds import World
from tsunagu.foundation.identity import api as identity

pytestmark = pytest.mark.django_db
_SAML, _SAMLP = "{urn:oasis:names:tc:SAML:2.0:assertion}", "{urn:oasis:names:tc:SAML:2.0:protocol}"


def _parts(world: World) -> tuple[Any, Any, Any]:
    """A genuine response with a signed assertion, and an evil copy of the assertion without a signature."""
    from lxml import etree

    root = etree.fromstring(world.signed_response(what="assertion").encode())
    assertion = root.find(f"{_SAML}Assertion")
    return root, assertion, _evil(assertion)


def _evil(element: Any) -> Any:
    evil = copy.deepcopy(element)
    for signature in list(evil.iter(f"{{{DS}}}Signature")):
        signature.getparent().remove(signature)
    evil.set("ID", "_evil")
    for value in evil.iter(f"{_SAML}AttributeValue"):
        value.text = "admin@u1.example.ac.jp"
    return evil


def _signed_whole(world: World) -> tuple[Any, Any, Any]:
    """A genuine response signed as a whole, an evil copy without signature, and the genuine signature."""
    from lxml import etree

    original = etree.fromstring(world.signed_response(what="response").encode())
    evil = _evil(original)
    signature = original.find(f"{{{DS}}}Signature")
    original.remove(signature)
    for assertion in evil.iter(f"{_SAML}Assertion"):
        assertion.set("ID", "_evil_assertion")
    return original, evil, signature


def xsw1(world: World) -> Any:
    original, evil, signature = _signed_whole(world)
    evil.insert(1, signature)
    signature.append(original)
    return evil


def xsw2(world: World) -> Any:
    original, evil, signature = _signed_whole(world)
    evil.insert(1, original)
    evil.insert(2, signature)
    return evil


def xsw3(world: World) -> Any:
    root, assertion, evil = _parts(world)
    assertion.addprevious(evil)
    return root


def xsw4(world: World) -> Any:
    root, assertion, evil = _parts(world)
    root.replace(assertion, evil)
    evil.append(assertion)
    return root


def xsw5(world: World) -> Any:
    root, assertion, evil = _parts(world)
    signature = assertion.find(f"{{{DS}}}Signature")
    assertion.remove(signature)
    assertion.addprevious(evil)
    evil.insert(1, signature)
    return root


def xsw6(world: World) -> Any:
    root, assertion, evil = _parts(world)
    signature = assertion.find(f"{{{DS}}}Signature")
    assertion.remove(signature)
    root.replace(assertion, evil)
    evil.insert(1, signature)
    signature.append(assertion)
    return root


def xsw7(world: World) -> Any:
    from lxml import etree

    root, _assertion, evil = _parts(world)
    extensions = etree.Element(f"{_SAMLP}Extensions")
    extensions.append(evil)
    root.insert(1, extensions)
    return root


def xsw8(world: World) -> Any:
    from lxml import etree

    root, assertion, evil = _parts(world)
    signature = assertion.find(f"{{{DS}}}Signature")
    assertion.remove(signature)
    root.replace(assertion, evil)
    evil.insert(1, signature)
    holder = etree.SubElement(signature, f"{{{DS}}}Object")
    holder.append(assertion)
    return root


@pytest.mark.parametrize("wrap", [xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8])
@pytest.mark.parametrize("same_id", [False, True])
def test_signature_wrapping_is_refused(world, wrap, same_id):
    from lxml import etree

    root = wrap(world.begin())
    if same_id:
        genuine = root.xpath("//@URI")[0][1:]
        for element in root.xpath("//*[@ID = '_evil']"):
            element.set("ID", genuine)
    with pytest.raises(identity.AssertionRefusedError):
        world.send(etree.tostring(root, encoding="unicode"))


def test_the_wrapping_tests_wrap_something_that_would_be_taken(world):
    """What they start from is good: only the wrapping makes it bad."""
    from lxml import etree

    root, _, _ = _parts(world.begin())
    assert world.send(etree.tostring(root, encoding="unicode"))
