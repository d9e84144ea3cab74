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


_MFA = "https://refeds.org/profile/mfa"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
_URI = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"


def stamp(moment: dt.datetime) -> str:
    """SAML's form of a moment."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Idp:
    """An identity provider that answers as it is told; signs with a real key."""

    def __init__(
        self, folder: Path, number: int = 1, scopes: tuple[str, ...] = ("u1.example.ac.jp",)
    ) -> None:
        self.signer = Signer(folder, f"idp{number}")
        self.number, self.scopes = number, scopes
        self.entity_id = f"https://idp{number}.example.ac.jp/idp/shibboleth"

    def metadata(self) -> str:
        """Its EntityDescriptor."""
        return entity(self.number, certificate=self.signer.base64, scopes=self.scopes)

    def response(
        self,
        request_id: str,
        *,
        acs: str,
        audience: str,
        attributes: dict[str, list[str]] | None = None,
        **more: str,
    ) -> str:
        """An unsigned response; ``more`` replaces parts: see the defaults."""
        now = dt.datetime.now(dt.UTC)
        part = {
            "issuer": self.entity_id,
            "response_id": "_response",
            "assertion_id": f"_a{now.timestamp()}".replace(".", ""),
            "destination": acs,
            "recipient": acs,
            "in_response_to": request_id,
            "confirmed_request": request_id,
            "until": stamp(now + dt.timedelta(minutes=5)),
            "not_before": stamp(now - dt.timedelta(minutes=1)),
            "authn_at": stamp(now),
            "context": PASSWORD,
            "status": "urn:oasis:names:tc:SAML:2.0:status:Success",
            **more,
        }
        given = (
            attributes
            if attributes is not None
            else {"urn:oasis:names:tc:SAML:attribute:subject-id": ["taro@u1.example.ac.jp"]}
        )
        values = "".join(
            f'<saml:Attribute Name={quoteattr(name)} NameFormat="{_URI}">'
            + "".join(f"<saml:AttributeValue>{text}</saml:AttributeValue>" for text in texts)
            + "</saml:Attribute>"
            for name, texts in given.items()
        )
        context = (
            f"<saml:AuthnContextClassRef>{part['context']}</saml:AuthnContextClassRef>"
            if part["context"]
            else "<saml:AuthnContextDecl>none</saml:AuthnContextDecl>"
        )
        audiences = (
            f"<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>"
            if audience
            else ""
        )
        destination = f' Destination="{part["destination"]}"' if part["destination"] else ""
        irt = f' InResponseTo="{part["in_response_to"]}"' if part["in_response_to"] else ""
        confirmed = f' InResponseTo="{part["confirmed_request"]}"' if part["confirmed_request"] else ""
        return (
            '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" '
            'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" '
            f'ID="{part["response_id"]}" Version="2.0" IssueInstant="{stamp(now)}"{destination}{irt}>'
            f"<saml:Issuer>{part['issuer']}</saml:Issuer>"
            f'<samlp:Status><samlp:StatusCode Value="{part["status"]}"/></samlp:Status>'
            f'<saml:Assertion ID="{part["assertion_id"]}" Version="2.0" IssueInstant="{stamp(now)}">'
            f"<saml:Issuer>{part['issuer']}</saml:Issuer><saml:Subject>"
            '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
            f'<saml:SubjectConfirmationData NotOnOrAfter="{part["until"]}" Recipient="{part["recipient"]}"{confirmed}/>'
            "</saml:SubjectConfirmation></saml:Subject>"
            f'<saml:Conditions NotBefore="{part["not_before"]}" NotOnOrAfter="{part["until"]}">{audiences}</saml:Conditions>'
            f'<saml:AuthnStatement AuthnInstant="{part["authn_at"]}"><saml:AuthnContext>{context}</saml:AuthnContext>'
            f"</saml:AuthnStatement><saml:AttributeStatement>{values}</saml:AttributeStatement>"
            "</saml:Assertion></samlp:Response>"
        )
