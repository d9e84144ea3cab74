"""The description of REST names every shape once: of two with one name a client is told the wrong one."""

from __future__ import annotations

import importlib
import pkgutil
from collections import defaultdict

from ninja import Schema

from tsunagu.doors import rest


def test_no_two_shapes_of_rest_have_one_name():
    places = defaultdict(set)
    for module in pkgutil.walk_packages(rest.__path__, f"{rest.__name__}."):
        for found in vars(importlib.import_module(module.name)).values():
            if (
                isinstance(found, type)
                and issubclass(found, Schema)
                and found.__module__.startswith(rest.__name__)
            ):
                places[found.__name__].add(found.__module__)
    assert {name: sorted(several) for name, several in places.items() if len(several) > 1} == {}
