"""Clusterings of tracks: made, read, written, added to."""
