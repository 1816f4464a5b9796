"""Scores of clusterings, and the threshold that gives a precision."""

from bcl_fast._utils.extras import lazy_package

__getattr__, __dir__, __all__ = lazy_package(__name__, __file__)
