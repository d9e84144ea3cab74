"""A federation made on the spot: a signer, signed metadata feeds, identity providers that sign what they are told."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

DS = "http://www.w3.org/2000/09/xmldsig#"
AUTHORITY = "https://federation.example.org"
_RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


class Signer:
    """A key with a self-signed certificate."""

    def __init__(self, folder: Path, name: str = "signer") -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=30))
            .sign(self.key, hashes.SHA256())
        )
        self.certificate = folder / f"{name}.crt"
        self.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        self.key_file = folder / f"{name}.key"
        self.key_file.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    @property
    def base64(self) -> str:
        """The certificate as it stands in metadata."""
        return "".join(self.certificate.read_text().split("-----")[2].split())

    def sign(self, xml: str, *, method: str = _RSA_SHA256, digest: str = _SHA256, child: str = "") -> str:
        """The document with an enveloped signature of its root, or of the element with the ID ``child``."""
        import xmlsec
        from lxml import etree

        root = etree.fromstring(xml.encode(), etree.XMLParser(huge_tree=True))
        target = root if not child else root.xpath("//*[@ID = $name]", name=child)[0]
        name = target.get("ID")
        template = (
            f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>'
            '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
            f'<ds:SignatureMethod Algorithm="{method}"/><ds:Reference URI="#{name}"><ds:Transforms>'
            f'<ds:Transform Algorithm="{DS}enveloped-signature"/>'
            '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>'
            f'<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>'
            "<ds:SignatureValue/></ds:Signature>"
        )
        signature = etree.fromstring(template)
        # In protocol messages and assertions the signature follows the issuer; in metadata it comes first.
        issuer = target.find("{urn:oasis:names:tc:SAML:2.0:assertion}Issuer")
        target.insert(0 if issuer is None else 1, signature)
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_file(str(self.key_file), xmlsec.constants.KeyDataFormatPem)
        context.register_id(target, "ID")
        context.sign(signature)
        return etree.tostring(root, encoding="unicode")


def entity(
    number: int, *, certificate: str, scopes: tuple[str, ...] = (), location: str = "", name: str = ""
) -> str:
    """A synthetic identity provider of about the size that real ones have (2.4 kB)."""
    entity_id = name or f"https://idp{number}.example.ac.jp/idp/shibboleth"
    scopes = scopes or (f"u{number}.example.ac.jp",)
    shib = "".join(f'<shibmd:Scope regexp="false">{escape(scope)}</shibmd:Scope>' for scope in scopes)
    address = location or f"https://idp{number}.example.ac.jp/idp/profile/SAML2/Redirect/SSO"
    return (
        f"<md:EntityDescriptor entityID={quoteattr(entity_id)}><md:Extensions>"
        f'<mdrpi:RegistrationInfo registrationAuthority="{AUTHORITY}"/>'
        '<mdattr:EntityAttributes><saml:Attribute Name="urn:oasis:names:tc:SAML:attribute:assurance-certification">'
        "<saml:AttributeValue>https://refeds.org/sirtfi</saml:AttributeValue></saml:Attribute>"
        "</mdattr:EntityAttributes></md:Extensions>"
        '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:Extensions>'
        f"{shib}<mdui:UIInfo>"
        f'<mdui:DisplayName xml:lang="en">University {number}</mdui:DisplayName>'
        f'<mdui:DisplayName xml:lang="ja">第{number}大学</mdui:DisplayName>'
        f'<mdui:Keywords xml:lang="ja">だい{number}だいがく</mdui:Keywords>'
        f'<mdui:Logo height="16" width="16">https://idp{number}.example.ac.jp/logo.png</mdui:Logo>'
        "</mdui:UIInfo></md:Extensions>"
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}'
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
        f"Location={quoteattr(address)}/></md:IDPSSODescriptor></md:EntityDescriptor>"
    )


def aggregate(
    entities: list[str],
    *,
    valid_until: dt.datetime | None = None,
    made_at: dt.datetime | None = None,
    has_validity: bool = True,
) -> str:
    """An unsigned aggregate."""
    now = dt.datetime.now(dt.UTC)
    until = (valid_until or now + dt.timedelta(days=14)).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = (made_at or now).strftime("%Y-%m-%dT%H:%M:%SZ")
    validity = f' validUntil="{until}"' if has_validity else ""
    return (
        f'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="{DS}" '
        'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" '
        'xmlns:mdrpi="urn:oasis:names:tc:SAML:metadata:rpi" '
        'xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute" '
        f'xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" ID="feed"{validity}><md:Extensions>'
        f'<mdrpi:PublicationInfo publisher="{AUTHORITY}" creationInstant="{made}"/></md:Extensions>'
        f"{''.join(entities)}</md:EntitiesDescriptor>"
    )


def feed(signer: Signer, count: int, *, certificate: str = "") -> str:
    """A signed feed of so many synthetic providers."""
    key = certificate or signer.base64
    return signer.sign(aggregate([entity(number, certificate=key) for number in range(count)]))
