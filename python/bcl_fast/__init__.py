"""Ball Cluster Learning, fast: cluster embeddings when nobody knows how many people there are.

The public names (listed in ``__init__.pyi``, as those of each package are) load on first use: ``import bcl_fast`` costs
milliseconds and imports neither torch nor scikit-learn.
"""

from bcl_fast._utils.extras import lazy_package

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_package(__name__, __file__)
