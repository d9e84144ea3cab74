"""ZIP and TAR: what they say they hold. Nothing is unpacked."""

from __future__ import annotations

import tarfile
import zipfile
from typing import TYPE_CHECKING

from tsunagu.formats.errors import UnreadableError, truncated
from tsunagu.formats.findings import Findings, clip
from tsunagu.formats.types import ListingPreview, Member

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import Reading

_LISTED = 1000
_MEMBERS = 200_000
_BOMB_RATIO = 200
_BOMB_BYTES = 1 << 30
_EXECUTABLE = (".exe", ".dll", ".bat", ".cmd", ".ps1", ".vbs", ".scr")


def read(path: Path, context: Context) -> Reading:
    """The listing, with warnings for what would be dangerous to unpack.

    Raises:
        UnreadableError: cut off or damaged.
    """
    findings = Findings(context.limits)
    members = _zip(path, findings) if context.head.startswith(b"PK") else _tar(path, findings, context)
    total = sum(member.byte_count for member in members)
    findings.field("members", len(members), where="directory")
    findings.field("unpacked size", total, unit="byte", where="directory")
    _judge(members, findings)
    if total > _BOMB_BYTES and total > _BOMB_RATIO * max(1, context.byte_count):
        findings.warn(
            f"It would unpack to {total:,} bytes, {total // max(1, context.byte_count):,} times its size: a possible bomb."
        )
    names = {member.name.rpartition("/")[2] for member in members}
    if "ro-crate-metadata.json" in names:
        findings.field("format", "RO-Crate", where="member ro-crate-metadata.json")
    findings.preview(ListingPreview(clip(context.name, 300), tuple(members[:_LISTED]), len(members), total))
    return findings.finish()


def _zip(path: Path, findings: Findings) -> list[Member]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            comment = archive.comment
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise UnreadableError(
            f"The ZIP file breaks off or is damaged: {str(error).rstrip('.')}.", reason_code="truncated"
        ) from error
    if comment:
        findings.field("comment", comment, where="end of directory")
    if any(info.flag_bits & 1 for info in infos):
        findings.warn("Some members are protected by a password.")
    return [Member(_name(_zip_name(info)), info.file_size, info.is_dir()) for info in infos[:_MEMBERS]]


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Names without the UTF-8 mark are CP437 by the standard and CP932 in Japanese practice."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("cp932")
    except UnicodeError:
        return info.orig_filename


def _name(name: str) -> str:
    return clip(name, 1000)


def _tar(path: Path, findings: Findings, context: Context) -> list[Member]:
    members: list[Member] = []
    end = 0
    try:
        with tarfile.open(path, "r:") as archive:
            for info in archive:
                members.append(Member(_name(info.name), info.size, info.isdir()))
                end = max(end, info.offset_data + (info.size if info.isreg() else 0))
                if info.issym() or info.islnk():
                    findings.warn(f"{info.name[:100]} is a link to {info.linkname[:100]}.")
                elif not (info.isfile() or info.isdir()):
                    findings.warn(f"{info.name[:100]} is a device or pipe.")
                if len(members) >= _MEMBERS:
                    break
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        raise UnreadableError(
            f"The TAR file breaks off or is damaged after {len(members):,} members: {str(error).rstrip('.')}.",
            reason_code="truncated",
        ) from error
    if end > context.byte_count:
        raise truncated(context.byte_count, end)
    return members


def _judge(members: Sequence[Member], findings: Findings) -> None:
    seen: dict[str, str] = {}
    for member in members:
        name = member.name.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or (len(name) > 1 and name[1] == ":"):
            findings.warn(f"The member {member.name[:100]!r} would be unpacked outside of the folder.")
        folded = name.casefold()
        if folded in seen and not member.is_folder:
            findings.warn(f"The members {seen[folded][:80]!r} and {member.name[:80]!r} have the same name.")
        seen[folded] = member.name
        if folded.endswith(_EXECUTABLE):
            findings.warn(f"The member {member.name[:100]!r} is a program.")
