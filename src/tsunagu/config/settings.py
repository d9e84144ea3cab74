"""Django's settings, made from the one table in ``core.settings``; nothing here reads the environment."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import unquote, urlsplit

from tsunagu.core import settings as node_settings

NODE = node_settings.current()

_URL_SAFE = {"localhost", "127.0.0.1", "[::1]"}


def _secret_key() -> str:
    file = NODE.home / "secrets" / "django.key"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(48), "utf-8")
    return file.read_text("utf-8")


def _database(address: str) -> dict[str, Any]:
    """SQLite in WAL with full durability, or PostgreSQL with a pool (facts in docs/adr/0003)."""
    url = urlsplit(address)
    if url.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(address.removeprefix("sqlite:///")),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": (
                    "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA mmap_size=134217728;"
                    "PRAGMA cache_size=-65536;PRAGMA temp_store=MEMORY;PRAGMA wal_autocheckpoint=8000;"
                ),
            },
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path.lstrip("/"),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": str(url.port or ""),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 12}},
    }


SECRET_KEY = _secret_key()
DEBUG = NODE.debug
_control = urlsplit(NODE.control_address)
ALLOWED_HOSTS = sorted({_control.hostname or "localhost", *_URL_SAFE, *NODE.allowed_hosts})
CSRF_TRUSTED_ORIGINS = [NODE.control_address]
DATABASES = {"default": _database(NODE.database_address)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "tsunagu.core",
    "tsunagu.foundation.identity",
    "tsunagu.foundation.policy",
    "tsunagu.foundation.ledger",
    "tsunagu.foundation.runs",
    "tsunagu.foundation.storage",
    "tsunagu.data.datasets",
    "tsunagu.data.sharing",
    "tsunagu.data.ai_use",
    "tsunagu.data.capture",
    "tsunagu.data.description",
    "tsunagu.data.harvesting",
    "tsunagu.data.keeping",
    "tsunagu.data.plans",
    "tsunagu.data.publication",
    "tsunagu.data.depositing",
    "tsunagu.data.notices",
    "tsunagu.data.readiness",
    "tsunagu.data.scans",
    "tsunagu.data.training",
    "tsunagu.data.unsorted",
    "tsunagu.data.discovery",
    "tsunagu.data.usage",
    "tsunagu.data.graph",
    "tsunagu.experiment.instruments",
    "tsunagu.compute.environments",
    "tsunagu.compute.partners",
    "tsunagu.compute.jobs",
    "tsunagu.compute.notebooks",
    "tsunagu.compute.hosting",
    "tsunagu.doors.web",
    "tsunagu.config",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tsunagu.doors.web.middleware.security_headers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tsunagu.doors.web.middleware.guest_stays",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tsunagu.doors.web.middleware.person_preferences",
    "tsunagu.doors.web.middleware.roles_asked_once",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tsunagu.doors.web.context.page_frame",
            ],
        },
    }
]

ROOT_URLCONF = "tsunagu.config.urls"
WSGI_APPLICATION = "tsunagu.config.wsgi.application"
AUTH_USER_MODEL = "identity.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "tsunagu.doors.web.accounts.AccountAdapter"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
# A lecture hall behind one address signs in within a few minutes.
ACCOUNT_RATE_LIMITS = {
    "saml_start": "300/m/ip",
    "saml_answer": "300/m/ip",
    "program_token": "600/m/ip",
    "program_register": "10/m/ip",
    "device_code": "30/m/ip",
    "inbox": "120/m/ip",
    "device_user_code": "10/m/ip,5/m/user",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # people come by an administrator's link; a node may have no mail server
MFA_ADAPTER = "tsunagu.doors.web.accounts.MFAAdapter"
MFA_FORMS = {
    "add_webauthn": "tsunagu.doors.web.accounts.AddKeyForm",
    "authenticate": "tsunagu.doors.web.codes.AuthenticateForm",
    "reauthenticate": "tsunagu.doors.web.codes.ReauthenticateForm",
}
MFA_WEBAUTHN_USER_VERIFICATION = "required"  # a passkey alone counts as two factors
MFA_TOTP_ISSUER = NODE.node_name
MFA_TOTP_TOLERANCE = 1  # phones run half a minute late
# The browser accepts passkeys over plain HTTP on localhost alone; elsewhere TLS is needed anyway.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = _control.hostname == "localhost"
USERSESSIONS_TRACK_ACTIVITY = False
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "/accounts/login/"
CSRF_FAILURE_VIEW = "tsunagu.doors.web.views.frame.stale"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _control.scheme == "https"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _control.scheme == "https" else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 << 20  # the signed commit of a bundle names up to 100,000 files

LANGUAGE_CODE = NODE.language
LANGUAGES = [("ja", "日本語"), ("en", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = NODE.time_zone
STATIC_URL = "/static/"
STATIC_ROOT = NODE.home / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

_mail = urlsplit(NODE.mail_url) if NODE.mail_url else None
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if _mail else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = NODE.home / "mail"
if _mail:
    EMAIL_HOST, EMAIL_PORT = _mail.hostname, _mail.port or 587
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
    EMAIL_USE_TLS = True
DEFAULT_FROM_EMAIL = NODE.mail_from

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
LOGGING_CONFIG = None  # core.logs configures logging when a process starts
