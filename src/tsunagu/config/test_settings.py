"""Settings of the in-process tests: a home of their own that goes away, fast password hashes."""

import atexit
import os
import shutil
import tempfile

_home = tempfile.mkdtemp(prefix="tsunagu-test-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ["TSUNAGU_HOME"] = _home

from tsunagu.config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
