"""Faces grouped into tracks, with labels, videos and frames: readers, writers, pairs."""

from bcl_fast._utils.extras import lazy_package

__getattr__, __dir__, __all__ = lazy_package(__name__, __file__)
