"""Settings of the in-process tests: a home of their own that goes away, fast password hashes."""

import atexit
import os
import shutil
import tempfile

_home = tempfile.mkdtemp(prefix="tsunagu-test-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ["TSUNAGU_HOME"] = _home
if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and os.environ.get("TSUNAGU_STORE_URL"):
    # Two processes that look at all that is stored must not see each other's.
    _place, _question, _options = os.environ["TSUNAGU_STORE_URL"].partition("?")
    os.environ["TSUNAGU_STORE_URL"] = f"{_place}-{worker}{_question}{_options}"

from tsunagu.config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
