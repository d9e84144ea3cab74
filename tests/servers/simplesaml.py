"""SimpleSAMLphp as an identity provider nobody here wrote: PHP's own server on loopback, files in a folder.

Needs Debian's simplesamlphp, php-cli, php-xml, php-mbstring and php-sqlite3. No web server and no root: the
configuration is a copy without Debian's secrets, which only the web server's user may read.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.federation import Signer
from tests.node import free_port

HOME = Path("/usr/share/simplesamlphp")
_CONFIG = """
$config['secretsalt'] = 'of the tests';
$config['auth.adminpassword'] = 'of the tests';
$config['baseurlpath'] = '{url}/';
$config['certdir'] = '{home}/';
$config['loggingdir'] = '{home}/';
$config['datadir'] = '{home}/';
$config['tempdir'] = '{home}/tmp';
$config['metadatadir'] = '{home}/';
$config['session.phpsession.savepath'] = '{home}/sessions';
$config['logging.handler'] = 'file';
$config['enable.saml20-idp'] = true;
$config['session.cookie.secure'] = false;
$config['session.cookie.samesite'] = null;
$config['store.type'] = 'phpsession';
$config['module.enable'] = ['exampleauth' => true, 'core' => true, 'saml' => true];
"""
# Somebody with everything that GakuNin and AARC define, and somebody with two factors.
_SOURCES = """<?php
$one = [
  'uid' => ['taro'],
  'urn:oasis:names:tc:SAML:attribute:subject-id' => ['taro@ssp.example.ac.jp'],
  'urn:oid:1.3.6.1.4.1.5923.1.1.1.6' => ['taro@ssp.example.ac.jp', 'taro@elsewhere.example.ac.jp'],
  'urn:oid:0.9.2342.19200300.100.1.3' => ['taro@ssp.example.ac.jp'],
  'urn:oid:1.3.6.1.4.1.32264.1.1.3' => ['筑波 太郎'],
  'urn:oid:2.16.840.1.113730.3.1.241' => ['Taro Tsukuba'],
  'urn:oid:1.3.6.1.4.1.5923.1.1.1.9' => ['staff@ssp.example.ac.jp', 'member@ssp.example.ac.jp'],
  'urn:oid:1.3.6.1.4.1.5923.1.1.1.11' => ['https://www.gakunin.jp/profile/IAL2'],
  'urn:oid:1.3.6.1.4.1.5923.1.5.1.1' => ['https://cg.gakunin.jp/gr/battery'],
  'urn:oid:1.3.6.1.4.1.5923.1.1.1.7' => ['urn:geant:example.org:group:lab:role=manager#aai.example.org'],
];
$two = ['uid' => ['hanako'], 'urn:oasis:names:tc:SAML:attribute:subject-id' => ['hanako@ssp.example.ac.jp']];
$config = ['example' => ['exampleauth:UserPass', 'taro:pass' => $one, 'hanako:pass' => $two]];
"""
_IDP = """<?php
$metadata['{entity}'] = [
  'host' => '__DEFAULT__', 'privatekey' => 'idp.key', 'certificate' => 'idp.crt', 'auth' => 'example',
  'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri',
  'saml20.sign.response' => true, 'sign.logout' => true,
  'authproc' => [50 => ['class' => 'core:PHP', 'code' => '
    if ($attributes["uid"][0] === "hanako") {{ $state["saml:AuthnContextClassRef"] = "https://refeds.org/profile/mfa"; }}
    unset($attributes["uid"]);
  ']],
];
"""
_SP = """<?php
$metadata['{entity}'] = [
  'AssertionConsumerService' => '{acs}', 'saml20.sign.response' => true, 'saml20.sign.assertion' => true,
  'assertion.encryption' => {encrypt}, 'certData' => '{certificate}', 'validate.authnrequest' => true,
];
"""


def is_here() -> bool:
    """Whether the packages are installed."""
    return shutil.which("php") is not None and (HOME / "www").is_dir()


class SimpleSaml:
    """A running identity provider that knows no service provider yet."""

    entity_id = "https://ssp.example.ac.jp/idp"
    scope = "ssp.example.ac.jp"
    encrypts = False

    def __init__(self, home: Path) -> None:
        self.home, self.url = home, f"http://127.0.0.1:{free_port()}"
        for name in ("tmp", "sessions"):
            (home / name).mkdir(parents=True)
        self.signer = Signer(home, "idp")
        text = (HOME / "config" / "config.php").read_text("utf-8")
        kept = [line for line in text.splitlines() if "secrets.inc.php" not in line]
        (home / "config.php").write_text("\n".join(kept) + _CONFIG.format(url=self.url, home=home), "utf-8")
        (home / "authsources.php").write_text(_SOURCES, "utf-8")
        (home / "saml20-idp-hosted.php").write_text(_IDP.format(entity=self.entity_id), "utf-8")
        (home / "saml20-sp-remote.php").write_text("<?php\n", "utf-8")

    def admit(self, entity: str, acs: str, certificate: str, *, encrypt: bool) -> None:
        """Tell it about a service provider."""
        text = _SP.format(
            entity=entity, acs=acs, certificate=certificate, encrypt="true" if encrypt else "false"
        )
        (self.home / "saml20-sp-remote.php").write_text(text, "utf-8")

    @property
    def sign_on(self) -> str:
        """Where it takes requests."""
        return f"{self.url}/saml2/idp/SSOService.php"


@contextlib.contextmanager
def running(home: Path) -> Iterator[SimpleSaml]:
    """Start it; stop it by its id."""
    idp = SimpleSaml(home)
    environment = {**os.environ, "SIMPLESAMLPHP_CONFIG_DIR": str(home), "PHP_CLI_SERVER_WORKERS": "1"}
    with (home / "php.log").open("wb") as log:
        server = subprocess.Popen(
            ["php", "-d", "opcache.enable=0", "-S", idp.url.removeprefix("http://"), "-t", str(HOME / "www")],
            env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                try:
                    urllib.request.urlopen(f"{idp.url}/saml2/idp/metadata.php", timeout=10).close()
                except urllib.error.HTTPError as error:
                    error.close()
                break
            time.sleep(0.1)
        yield idp
    finally:
        server.terminate()
        server.wait(20)
