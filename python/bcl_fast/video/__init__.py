"""Films and pictures to tracks of faces: decoding, shots, detection, tracking, recognition."""

from bcl_fast._utils.extras import lazy_package

__getattr__, __dir__, __all__ = lazy_package(__name__, __file__)
