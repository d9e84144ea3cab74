"""Every pair of roles that meets on a page has contrast enough, in light and dark; computed from tokens.css."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[1] / "static" / "web"
TOKENS = (CSS / "tokens.css").read_text("utf-8")
TEXT, SHAPE = 4.5, 3.0  # WCAG 2.2: 1.4.3 text, 1.4.11 lines of controls and drawings
GROUNDS = ("bg", "bg-raised", "bg-sunken", "hover")
TINTS = ("ok", "warn", "danger", "info", "machine")
# Pairs that look safe and are not; the palette must not bring them back.
UNSAFE = {
    ("red-800", "red-50"), ("yellow-900", "yellow-50"), ("orange-800", "orange-50"), ("gray-536", "gray-50"),
    ("green-700", "white"), ("lime-800", "white"), ("blue-500", "white"), ("yellow-300", "white"),
    ("blue-400", "gray-800"), ("gray-400", "gray-800"), ("gray-420", "gray-800"),
}  # fmt: skip


def declared(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", block))


def palette() -> tuple[dict[str, str], dict[str, str], dict[str, str], dict[str, str]]:
    """Primitives, light roles, dark roles of the device, dark roles of the person."""
    first, second = re.findall(r"^:root \{(.*?)^\}", TOKENS, re.DOTALL | re.MULTILINE)[:2]
    device = re.search(r':root:not\(\[data-theme="light"\]\) \{(.*?)\}', TOKENS, re.DOTALL)
    person = re.search(r':root\[data-theme="dark"\] \{(.*?)\}', TOKENS, re.DOTALL)
    assert device
    assert person
    light = declared(second)
    return (
        declared(first),
        light,
        {**light, **declared(device.group(1))},
        {**light, **declared(person.group(1))},
    )


PRIMITIVES, LIGHT, DARK, CHOSEN_DARK = palette()
THEMES = {"light": LIGHT, "dark": DARK, "chosen dark": CHOSEN_DARK}


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    digits = colour.lstrip("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    shares = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def primitive_of(roles: dict[str, str], role: str) -> str:
    return re.fullmatch(r"var\(--([\w-]+)\)", roles[role]).group(1)  # type: ignore[union-attr]


def pairs(roles: dict[str, str]) -> list[tuple[str, str, float]]:
    found = [
        (role, ground, TEXT)
        for ground in ("bg", "bg-raised", "bg-sunken")
        for role in (
            "text-strong",
            "text",
            "text-sub",
            "text-support",
            "link",
            "danger",
            "ok",
            "info",
            "machine",
        )
    ]
    found += [(role, "hover", TEXT) for role in ("text", "text-strong", "link", "text-support")]
    found += [(role, "bg", TEXT) for role in ("warn", "link-hover", "link-visited")]
    found += [(role, f"tint-{role}", TEXT) for role in TINTS]
    found += [("text", f"tint-{role}", TEXT) for role in TINTS]
    found += [("text", role, TEXT) for role in ("added", "removed", "selected")]
    found += [("action-text", "action", TEXT), ("action-text", "action-hover", TEXT), ("action", "bg", TEXT)]
    found += [
        ("text", "outline-hover", TEXT),
        ("border-field", "bg", SHAPE),
        ("border-field", "bg-raised", SHAPE),
    ]
    found += [(f"plot-{n}", ground, SHAPE) for n in range(1, 7) for ground in ("bg", "bg-raised")]
    found += [("border", "bg", SHAPE), ("divider", "bg", 2.9), ("focus-line", "bg", SHAPE)]
    return [pair for pair in found if pair[0] in roles and pair[1] in roles]  # fmt: skip


@pytest.mark.parametrize("theme", THEMES)
def test_every_pair_has_contrast(theme):
    roles = THEMES[theme]
    poor = {
        (role, ground): round(ratio, 2)
        for role, ground, least in pairs(roles)
        if (ratio := contrast(PRIMITIVES[primitive_of(roles, role)], PRIMITIVES[primitive_of(roles, ground)]))
        < least
    }
    assert len(pairs(roles)) > 60
    assert not poor


@pytest.mark.parametrize("theme", THEMES)
def test_no_pair_is_one_that_only_looks_safe(theme):
    roles = THEMES[theme]
    used = {
        (primitive_of(roles, role), primitive_of(roles, ground))
        for role, ground, least in pairs(roles)
        if least == TEXT
    }
    assert not used & UNSAFE


def test_both_dark_sets_say_the_same():
    assert DARK == CHOSEN_DARK


def test_the_known_ratios_come_out():
    assert round(contrast("#ce0000", "#fdeeee"), 2) == 5.14
    assert round(contrast("#00118f", "#ffffff"), 1) == 14.2


def test_pages_use_roles_and_no_colour_of_their_own():
    text = (CSS / "app.css").read_text("utf-8")
    roles = set(LIGHT) | {name for name in PRIMITIVES if re.match(r"(space|radius|sans|mono)", name)}
    assert not set(re.findall(r"var\(--([\w-]+)\)", text)) - roles
    colours = re.findall(r"(?<![&\w-])#[0-9a-f]{3,8}\b", text)
    assert set(colours) <= {"#fff"}  # the white around a QR code, which cameras need
