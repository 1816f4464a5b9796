"""The page that people look at and correct clusters in: one file, or served; and other tools' formats."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
