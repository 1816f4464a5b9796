"""The two linkages by their names."""

from __future__ import annotations

from collections.abc import Callable

from bcl_fast.cluster._average_linkage import average_linkage
from bcl_fast.cluster._complete_linkage import complete_linkage
from bcl_fast.cluster._merge import LinkageName
from bcl_fast.cluster._result import CompleteLinkage

LINKAGES: dict[LinkageName, Callable[..., CompleteLinkage]] = {"complete": complete_linkage, "average": average_linkage}
