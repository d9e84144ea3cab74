"""``tsunagu policy check FOLDER``: looks at policy texts without using them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import django

from tsunagu.core.errors import InvalidInputError


def policy(options: argparse.Namespace) -> int:
    """Check every ``*.cedar`` file of a folder; the name says the layer: law, funder, institution, or a project's."""
    django.setup()
    from tsunagu.foundation.policy import api as rules

    folder = Path(options.folder)
    files = sorted(folder.rglob("*.cedar")) if folder.is_dir() else [folder] if folder.is_file() else []
    if not files:
        raise InvalidInputError(
            f"There is no policy text in {folder}.", remedy="Name a folder with files like institution.cedar."
        )
    found = []
    for file in files:
        layer = file.stem if file.stem in rules.LAYERS else "project"
        try:
            count, problem = len(rules.parse(file.read_text("utf-8"), layer)), ""
        except (rules.BadPolicyError, UnicodeDecodeError) as error:
            count, problem = 0, str(error)
        found.append({"file": str(file), "layer": layer, "rules": count, "problem": problem})
    is_good = not any(one["problem"] for one in found)
    if options.json:
        print(json.dumps({"ok": is_good, "texts": found}, ensure_ascii=False))
    else:
        for one in found:
            said = one["problem"] or f"{one['rules']} rules of the {one['layer']} layer compile."
            print(f"{'ok    ' if not one['problem'] else 'wrong '} {one['file']}: {said}")
    return 0 if is_good else InvalidInputError.exit_code
