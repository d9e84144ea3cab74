"""The one table of settings: name, default, unit, help. Read once at start into a frozen object.

Order of precedence: the environment (``TSUNAGU_NAME``), then ``HOME/tsunagu.toml`` (key ``name``), then the default.
No other module reads the environment. ``tsunagu check`` prints every value with its origin, and
docs/reference/settings.md is made from this table.
"""

from __future__ import annotations

import functools
import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsunagu.core import setting_values as values
from tsunagu.core.errors import InvalidInputError


class BadSettingError(InvalidInputError):
    """A setting cannot be used; the message names it, its value and where it came from."""

    code = "core.bad_setting"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. ``default`` is text and goes through ``parse`` like every other origin."""

    name: str
    default: str
    help: str
    parse: Callable[[str], Any] = str
    unit: str = ""
    is_secret: bool = False


TABLE: tuple[Setting, ...] = (
    Setting("host", "127.0.0.1", "Address on which both servers listen. Loopback unless a proxy needs more."),
    Setting("port", "8000", "Port of the control server.", int),
    Setting("bytes_port", "0", "Port of the byte server; 0 means port + 1.", int),
    Setting("control_url", "", "Address at which people reach control; empty means http://localhost:PORT."),
    Setting(
        "bytes_url",
        "",
        "Address of the byte server, on another host name; empty: http://127.0.0.1:BYTES_PORT.",
    ),
    Setting(
        "allowed_hosts", "", "More host names that control answers to, separated by commas.", values.names
    ),
    Setting(
        "database_url",
        "",
        "sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME; empty: HOME/db.sqlite3.",
        is_secret=True,
    ),
    Setting(
        "store_url", "", "file:///DIR or s3://BUCKET/PREFIX?endpoint=URL&region=NAME; empty: HOME/objects."
    ),
    Setting("s3_access_key_id", "", "Access key of the S3 store.", is_secret=True),
    Setting("s3_secret_access_key", "", "Secret key of the S3 store.", is_secret=True),
    Setting(
        "replica_url",
        "",
        "A second store for copies of every object, written like store_url; empty: no copies are made.",
    ),
    Setting("replica_access_key_id", "", "Access key of the second store.", is_secret=True),
    Setting("replica_secret_access_key", "", "Secret key of the second store.", is_secret=True),
    Setting("scrub_days", "30", "Every stored object is read again within so many days.", int, "d"),
    Setting(
        "search_engine",
        "tantivy",
        "Where the search index lies: tantivy (HOME/search) or postgresql (in the database, which must be one).",
        values.engine,
    ),
    Setting("workers", "2", "Worker processes for background jobs.", int),
    Setting("control_threads", "8", "Threads of the control server.", int),
    Setting("bytes_threads", "32", "Threads of the byte server: simultaneous transfers.", int),
    Setting("capability_lifetime_s", "900", "How long a signed address works.", int, "s"),
    Setting("extract_timeout_s", "60", "Longest time a reader may take for one file.", float, "s"),
    Setting("extract_memory_bytes", "2147483648", "Most memory a reader may take for one file.", int, "byte"),
    Setting("query_timeout_s", "20", "Longest time a query over tables may take.", float, "s"),
    Setting("query_memory_bytes", "1073741824", "Most memory a query over tables may take.", int, "byte"),
    Setting(
        "job_lease_s",
        "15",
        "A worker silent for so long is held for dead and its job is taken up again.",
        float,
        "s",
    ),
    Setting("job_attempts", "3", "How often a job whose worker died is started at most.", int),
    Setting(
        "sweep_age_s", "86400", "Objects that no row names are removed when older than this.", float, "s"
    ),
    Setting(
        "timestamp_url",
        "",
        "RFC 3161 authority that stamps the ledger's heads; empty: an embedded test authority (not independent); off.",
    ),
    Setting("timestamp_ca", "", "PEM file with the root certificate that its time stamps must lead to."),
    Setting(
        "witnesses",
        "",
        "Nodes that co-sign this ledger's heads, separated by commas: ADDRESS#PUBLIC_KEY (Base64).",
        values.names,
    ),
    Setting(
        "witnessed_keys",
        "",
        "Public keys (Base64) of the nodes whose heads this node co-signs, by commas.",
        values.names,
    ),
    Setting(
        "oai_jpcoar_2_1",
        "false",
        "Whether OAI-PMH also offers jpcoar_2.1. IRDB harvests jpcoar_2.0.",
        values.boolean,
    ),
    Setting("compute_slots", "2", "Compute jobs at the same time on this machine; 0: it runs none.", int),
    Setting(
        "dask_scheduler",
        "",
        "Address of a Dask scheduler on which jobs may run, tls://HOST:PORT; empty: none.",
    ),
    Setting("dask_slots", "16", "Compute jobs at the same time on the Dask cluster.", int),
    Setting(
        "dask_converts",
        "no",
        "Whether versions are made AI-ready on the Dask cluster; what is sealed never leaves the node for that.",
        values.boolean,
    ),
    Setting(
        "dask_tls_ca", "", "Certificate of the authority that the Dask cluster's certificates come from."
    ),
    Setting("dask_tls_cert", "", "The node's certificate for the Dask cluster."),
    Setting("dask_tls_key", "", "The key of that certificate."),
    Setting(
        "environments_unused_days",
        "90",
        "How long an environment that no run uses stays installed; 0: for ever.",
        int,
        "d",
    ),
    Setting("compute_cores", "2", "Most cores that one job may ask for.", int),
    Setting("compute_memory_bytes", "4294967296", "Most memory that one job may ask for.", int, "byte"),
    Setting("compute_duration_s", "86400", "Longest time limit of a job.", int, "s"),
    Setting(
        "compute_disk_bytes", "21474836480", "Most bytes that the outputs of one job may take.", int, "byte"
    ),
    Setting(
        "compute_log_bytes",
        "1048576",
        "How much of the beginning of a job's log is kept, and of its end.",
        int,
        "byte",
    ),
    Setting(
        "compute_lost_s",
        "600",
        "A job that vanished without a result counts as lost after this time.",
        float,
        "s",
    ),
    Setting(
        "compute_site_lost_s",
        "604800",
        "A job on another node that does not answer counts as lost after this time.",
        float,
        "s",
    ),
    Setting(
        "notebook_slots", "8", "Notebooks (JupyterLab) open at the same time on this machine; 0: none.", int
    ),
    Setting("notebook_idle_s", "3600", "A notebook that nobody uses for so long is stopped.", float, "s"),
    Setting("notebook_lock", "", "Lock file of the notebooks' environment; empty: the one that comes along."),
    Setting("notebooks_port", "0", "Port of the gate to open notebooks; 0 means port + 2.", int),
    Setting(
        "notebooks_url",
        "",
        "Address of an open notebook, a host name for each {run}; empty: http://{run}.localhost:NOTEBOOKS_PORT.",
        values.per_run,
    ),
    Setting(
        "slurm_folder",
        "",
        "Folder that this node and the machines of a Slurm cluster share; empty: no jobs go to Slurm.",
    ),
    Setting(
        "slurm_folder_in_memory",
        "false",
        "Whether that folder lies in memory: sealed data go there only then.",
        values.boolean,
    ),
    Setting("slurm_conf", "/etc/slurm/slurm.conf", "Slurm's configuration on this machine."),
    Setting("slurm_partition", "", "Partition for jobs; empty: Slurm's own choice.", values.safe),
    Setting("slurm_account", "", "Account that jobs are charged to; empty: Slurm's own choice.", values.safe),
    Setting(
        "slurm_options",
        "",
        "More options of sbatch, by blanks: --qos=normal --constraint=ssd",
        values.slurm_options,
    ),
    Setting(
        "slurm_python",
        "",
        "Python on the cluster's machines in which Tsunagu is installed; empty: this node's, which they must see too.",
    ),
    Setting("slurm_control_url", "", "Where jobs on the cluster reach control; empty: control_url."),
    Setting("slurm_slots", "1000", "Jobs that are handed to Slurm at the same time.", int),
    Setting("slurm_cores", "64", "Most cores that one job on Slurm may ask for.", int),
    Setting(
        "slurm_memory_bytes", "274877906944", "Most memory that one job on Slurm may ask for.", int, "byte"
    ),
    Setting("slurm_duration_s", "604800", "Longest time limit of a job on Slurm.", int, "s"),
    Setting(
        "slurm_poll_s",
        "60",
        "How often Slurm is asked which jobs it still knows and why they wait.",
        float,
        "s",
    ),
    Setting(
        "compute_budget_cpu_s", "3600000", "CPU time that a project may use unless given more.", float, "s"
    ),
    Setting(
        "compute_budget_memory_gb_h",
        "4000",
        "Memory over time that a project may use unless given more.",
        float,
        "GB h",
    ),
    Setting(
        "compute_budget_output_bytes",
        "1000000000000",
        "Bytes of outputs that a project may write unless given more.",
        int,
        "byte",
    ),
    Setting("signup", "false", "Whether strangers may make an account on the sign-in page.", values.boolean),
    Setting(
        "mail_url",
        "",
        "smtp://USER:PASSWORD@HOST:PORT; empty: mails are written to HOME/mail.",
        is_secret=True,
    ),
    Setting(
        "harvest_pause_s", "1", "Pause between two questions to a repository that is harvested.", float, "s"
    ),
    Setting(
        "oa_grace_days",
        "90",
        "Days after which a published article that is neither open nor closed for a reason counts as overdue.",
        int,
        "d",
    ),
    Setting("mail_from", "tsunagu@localhost", "Sender of mails."),
    Setting(
        "egress_allowed",
        "",
        "Hosts (NAME:PORT, separated by commas) that the node may fetch from although they are private.",
        values.names,
    ),
    Setting(
        "federation_feeds",
        "",
        "SAML metadata feeds, one [[federation_feeds]] table each: docs/how-to/join-a-federation.md.",
        values.tables,
    ),
    Setting(
        "federation_entity_id", "", "Entity id of this service provider; empty: control_url/saml/metadata."
    ),
    Setting(
        "federation_signup",
        "true",
        "Whether people of the federations get an account when they sign in for the first time.",
        values.boolean,
    ),
    Setting(
        "federation_local_sign_in",
        "true",
        "Whether people of an institution may also sign in by this node's own passkeys and passwords, without it.",
        values.boolean,
    ),
    Setting(
        "federation_discovery_url",
        "",
        "A discovery service outside; empty: people choose their institution on a page of this node.",
    ),
    Setting(
        "federation_group_authorities",
        "",
        "Who may say that somebody is in a group: entity ids, or ENTITY_ID#AUTHORITY for one authority only.",
        values.names,
    ),
    Setting(
        "openid_providers",
        "",
        "OpenID Connect providers, ORCID too, one [[openid_providers]] each: docs/how-to/sign-in-with-openid.md.",
        values.tables,
        is_secret=True,
    ),
    Setting(
        "doi_accounts",
        "",
        "Accounts at DOI agencies, one [[doi_accounts]] table for each prefix: docs/how-to/publish.md.",
        values.tables,
        is_secret=True,
    ),
    Setting(
        "repositories",
        "",
        "Repositories that published versions are deposited into, one [[repositories]] each: docs/how-to/publish.md.",
        values.tables,
        is_secret=True,
    ),
    Setting(
        "doi_resolver",
        "https://doi.org",
        "Where the node looks whether a DOI resolves, for DOIs that another service registers.",
    ),
    Setting("usage_robots_file", "", "File with more patterns of robots whose visits are not counted."),
    Setting("usage_institution_from", "5", "How many people in a month an institution is named from.", int),
    Setting("node_name", "Tsunagu", "Name of this node, shown on every page."),
    Setting("language", "ja", "Language for people who chose none: ja or en."),
    Setting("time_zone", "Asia/Tokyo", "Time zone for people who chose none."),
    Setting("log_level", "INFO", "DEBUG, INFO, WARNING or ERROR."),
    Setting(
        "debug", "false", "Show tracebacks in the browser. Never on a machine others reach.", values.boolean
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a node, read once. Attributes are named as in ``TABLE``; ``home`` holds all state."""

    home: Path
    values: Mapping[str, Any]
    origins: Mapping[str, str] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def bytes_port_number(self) -> int:
        """Port of the byte server."""
        return int(self.values["bytes_port"]) or int(self.values["port"]) + 1

    @property
    def control_address(self) -> str:
        """Where people reach control, without a slash at the end."""
        return str(self.values["control_url"] or f"http://localhost:{self.values['port']}").rstrip("/")

    @property
    def bytes_address(self) -> str:
        """Where people reach the byte server, without a slash at the end."""
        return str(self.values["bytes_url"] or f"http://127.0.0.1:{self.bytes_port_number}").rstrip("/")

    @property
    def notebooks_port_number(self) -> int:
        """Port of the gate to open notebooks."""
        return int(self.values["notebooks_port"]) or int(self.values["port"]) + 2

    def notebook_address(self, run: str) -> str:
        """Where a browser reaches the open notebook of a run; ``{run}`` gives the form. Host names know no capitals."""
        form = str(self.values["notebooks_url"]) or f"http://{{run}}.localhost:{self.notebooks_port_number}"
        return form.replace("{run}", run.lower())

    @property
    def store_address(self) -> str:
        """The object store as a URL."""
        return str(self.values["store_url"] or (self.home / "objects").as_uri())

    @property
    def store_options(self) -> dict[str, str]:
        """Keys that the store needs and that must not stand in a URL."""
        names = {"access_key_id": "s3_access_key_id", "secret_access_key": "s3_secret_access_key"}
        options = {key: str(self.values[name]) for key, name in names.items() if self.values[name]}
        return {**options, "spool": str(self.spool / "s3")} if self.store_address.startswith("s3:") else {}

    @property
    def replica_options(self) -> dict[str, str]:
        """Keys that the second store needs and that must not stand in a URL."""
        names = {
            "access_key_id": "replica_access_key_id",
            "secret_access_key": "replica_secret_access_key",
        }
        options = {key: str(self.values[name]) for key, name in names.items() if self.values[name]}
        is_s3 = str(self.values["replica_url"]).startswith("s3:")
        return {**options, "spool": str(self.spool / "replica")} if is_s3 else {}

    @property
    def database_address(self) -> str:
        """The database as a URL."""
        return str(self.values["database_url"] or f"sqlite:///{self.home / 'db.sqlite3'}")

    @property
    def capability_key_file(self) -> Path:
        """The key that control and the byte server share."""
        return self.home / "secrets" / "capability.key"

    @property
    def keys_folder(self) -> Path:
        """Wrapped keys of sealed datasets: in no backup of data, for a destroyed key must not survive in one."""
        return self.home / "keys"

    @property
    def spool(self) -> Path:
        """Folder for unfinished uploads and locks."""
        return self.home / "spool"


def _as_text(raw: Any) -> str:
    """A value of the file as the environment would give it."""
    if not isinstance(raw, list):
        return str(raw)
    return json.dumps(raw) if any(isinstance(item, dict) for item in raw) else ",".join(map(str, raw))


def read(home: Path, environment: Mapping[str, str]) -> Settings:
    """The settings of the node whose state lies under ``home``.

    Raises:
        BadSettingError: a value cannot be parsed, or the file names an unknown setting.
    """
    file = home / "tsunagu.toml"
    written = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
    unknown = set(written) - {setting.name for setting in TABLE}
    if unknown:
        raise BadSettingError(f"{file} names settings that do not exist: {', '.join(sorted(unknown))}.")
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for setting in TABLE:
        variable = f"TSUNAGU_{setting.name.upper()}"
        if variable in environment:
            text, origin = environment[variable], f"environment {variable}"
        elif setting.name in written:
            raw = written[setting.name]
            text, origin = _as_text(raw), f"file {file.name}"
        else:
            text, origin = setting.default, "default"
        try:
            values[setting.name] = setting.parse(text)
        except (ValueError, KeyError):
            shown = "(hidden)" if setting.is_secret else repr(text)
            raise BadSettingError(
                f"The setting {setting.name} = {shown} ({origin}) cannot be used."
            ) from None
        origins[setting.name] = origin
    return Settings(home=home, values=values, origins=origins)


@functools.cache
def current() -> Settings:
    """The settings of this process: home is ``TSUNAGU_HOME``, else ``.tsunagu`` in the working folder."""
    home = Path(os.environ.get("TSUNAGU_HOME", ".tsunagu")).absolute()
    return read(home, os.environ)
