"""Names of datasets as people write them."""

from __future__ import annotations

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text


def at_version(name: str) -> tuple[str, int | None]:
    """``PROJECT/DATASET@N`` in two parts; None where no version is named.

    Raises:
        UsageError: what stands behind the @ is no version.
    """
    dataset, at, number = name.rpartition("@")
    if not at:
        return name, None
    if not number.isdecimal() or int(number) < 1:
        raise UsageError(text("bad_version", name=name), remedy=text("bad_version_remedy"))
    return dataset, int(number)
