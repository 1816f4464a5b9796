"""Tracks to train on, to validate with and to test."""

from __future__ import annotations

from typing import NamedTuple

from bcl_fast.tracks._track_set import TrackSet


class Splits(NamedTuple):
    """Three sets of videos that share a world and no person."""

    train: TrackSet
    val: TrackSet
    test: TrackSet
