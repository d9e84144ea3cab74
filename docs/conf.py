"""How Sphinx makes the documentation: `make docs`. Works without a network."""

from __future__ import annotations

import tomllib
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent

project = "Tsunagu"
author = "The Tsunagu authors"
project_copyright = "The Tsunagu authors. Apache-2.0"
release = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "locale"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# Pages outside docs/ (CONTRIBUTING, SECURITY) and files of the program are linked as they lie in the repository.
nitpicky = True

language = "en"
locale_dirs = ["locale"]
gettext_compact = False
gettext_location = False
gettext_uuid = False

html_theme = "furo"
html_title = "Tsunagu"
html_show_sphinx = False
html_theme_options = {"top_of_page_buttons": []}
