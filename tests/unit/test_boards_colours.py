"""The boards' six colours: seen on light and on dark ground, and told apart by people who see fewer colours."""

from __future__ import annotations

from itertools import combinations
from math import dist

import pytest

from dashboards.source.model import NORMAL, OTHER, OVER, PALE, QUIET, SOON

COLOURS = (NORMAL, SOON, OVER, QUIET, OTHER, PALE)
GROUNDS = {"light": "#ffffff", "Grafana's dark": "#181b1f", "the wall": "#0b1220"}
LEAST_CONTRAST = 3.0  # WCAG 1.4.11
LEAST_DISTANCE = 10.0  # of two colours in CIELAB
# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
VISIONS = {
    "all colours": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
Linear = tuple[float, ...]


def linear(colour: str) -> Linear:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def seen(colour: str, vision: str) -> Linear:
    """Its place in CIELAB."""
    matrix, given = VISIONS[vision], linear(colour)
    red, green, blue = (min(1.0, max(0.0, sum(a * b for a, b in zip(row, given, strict=True)))) for row in matrix)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("ground", GROUNDS)
def test_each_colour_is_seen_on_a_light_and_on_a_dark_ground(ground: str) -> None:
    assert [one for one in COLOURS if contrast(one, GROUNDS[ground]) < LEAST_CONTRAST] == []


@pytest.mark.parametrize("vision", VISIONS)
def test_no_two_colours_are_seen_as_one(vision: str) -> None:
    pairs = combinations(COLOURS, 2)
    assert [pair for pair in pairs if dist(*(seen(one, vision) for one in pair)) < LEAST_DISTANCE] == []
