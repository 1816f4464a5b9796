"""Faces grouped into tracks, with labels, videos and frames: readers, writers, pairs."""
