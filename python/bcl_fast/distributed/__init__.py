"""A clustering on many machines: an engine on Ray, and points that its workers read themselves."""

from bcl_fast._utils.extras import lazy_package

__getattr__, __dir__, __all__ = lazy_package(__name__, __file__)
