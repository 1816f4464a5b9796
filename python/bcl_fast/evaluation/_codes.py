"""Labels of any kind as whole numbers, for the metrics."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.arrays import as_array, is_sparse, is_tensor
from bcl_fast._utils.codes import is_missing, number_missing
from bcl_fast._utils.types import Integers
from bcl_fast.errors import InputError

Labels = Sequence[Any] | NDArray[Any]
MISSING = -1  # the code of a label that is not there


def labelled_codes(labels_true: Labels, labels_pred: Labels) -> tuple[Integers, Integers]:
    """Return the codes of identities and clusters of all samples whose identity is known, from 0.

    Samples without a cluster (-1 or missing) are clusters of their own.
    """
    true, pred = _values(labels_true, "labels_true"), _values(labels_pred, "labels_pred")
    if len(true) != len(pred):
        raise InputError(f"labels_true and labels_pred must be equally long, got {len(true)} and {len(pred)} labels")
    if len(true) == 0:
        raise InputError("labels_true and labels_pred must hold at least one label, got none")
    identities = _codes(true)
    known = identities != MISSING
    if not known.any():
        raise InputError(f"labels_true must hold at least one label, got {len(true)} that are missing")
    if not known.all():
        n_bare = len(true) - known.sum()
        what = f"{n_bare:,} of {len(true):,} samples have no true label: they are left out of the score"
        warnings.warn(what, stacklevel=4)
    clusters = number_missing(np.where(_is_minus_one(pred), MISSING, _codes(pred)))
    return identities[known], clusters[known]


def _values(labels: Labels, name: str) -> NDArray[Any]:
    """Return labels as a one-dimensional array; a mix of kinds stays one of objects, for it must not become text."""
    reason = _no_sequence(labels)
    if reason is not None:
        raise InputError(f"{name} must be a sequence, got {reason}")
    if is_tensor(labels) or isinstance(labels, np.ma.MaskedArray):
        values = as_array(labels, name)
    elif hasattr(labels, "__array__"):
        values = np.asarray(labels)
    else:
        values = np.array([label.item() if is_tensor(label) else label for label in labels], dtype=object)
    if values.ndim != 1:
        raise InputError(f"{name} must be one-dimensional, got shape {values.shape}")
    return values


def _no_sequence(labels: Any) -> str | None:
    """Say what labels are where they are no sequence."""
    kind = "None" if labels is None else f"a {type(labels).__name__}"
    if isinstance(labels, (set, frozenset, dict)):
        return f"{kind}, which has no order"
    if isinstance(labels, Iterator):
        return f"{kind}, which can be read once only"
    return kind if is_sparse(labels) or not hasattr(labels, "__len__") else None


def _codes(values: NDArray[Any]) -> Integers:
    """Return numbers from 0 for values; missing ones (None, NaN, NA, NaT, empty text) get -1."""
    if values.dtype != object:
        codes = np.unique(values, return_inverse=True)[1].astype(np.int64)
        missing = values == "" if values.dtype.kind == "U" else values != values  # NaN and NaT
        codes[missing] = MISSING
        return codes
    seen: dict[Any, int] = {}  # a mix of strings and integers has no order, so no np.unique
    if any(isinstance(value, (list, dict, set, np.ndarray)) for value in values):
        raise InputError("labels must be values that can be told apart, such as text or numbers, got collections")
    return np.array(
        [MISSING if is_missing(value) else seen.setdefault(value, len(seen)) for value in values],
        np.int64,
    )


def _is_minus_one(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype == object:
        return np.array([isinstance(v, (int, float, np.number)) and v == -1 for v in values], bool)
    return values == -1 if values.dtype.kind in "if" else np.zeros(len(values), bool)
