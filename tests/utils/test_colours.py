"""Colours of people can be told apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from bcl_fast._utils.colours import GREY, OF_PEOPLE, colour_of_person


def lab(colour: str) -> np.ndarray:
    """CIELAB of a colour of sRGB."""
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.maximum(to_xyz @ linear / np.array([0.9505, 1, 1.089]), 0.0089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_twenty_people_have_colours_far_apart():
    assert len(set(OF_PEOPLE)) == 20
    distances = {(a, b): np.linalg.norm(lab(a) - lab(b)) for a, b in combinations((*OF_PEOPLE, GREY, "#ffffff"), 2)}
    nearest = min(distances, key=lambda pair: distances[pair])
    assert distances[nearest] > 20, nearest


def test_those_seen_less_are_grey():
    assert [colour_of_person(rank) for rank in (0, 19, 20, 100)] == [OF_PEOPLE[0], OF_PEOPLE[19], GREY, GREY]
