"""Networks in ONNX files, run by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bcl_fast._utils.files import check_is_file
from bcl_fast._utils.text import one_line
from bcl_fast.errors import InputError
from bcl_fast.video._packages import package

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "coreml": "CoreMLExecutionProvider"}


def check_onnx_device(device: str) -> None:
    """Check that onnxruntime can run networks there.

    Raises
    ------
    InputError
        If the name is not known, or the onnxruntime that is installed has no such provider.
    """
    kind, _, number = device.partition(":")
    if kind not in _PROVIDERS or (number and (kind != "cuda" or not number.isdecimal())):
        raise InputError(f"device must be 'cpu', 'cuda', 'cuda:<number>' or 'coreml', got {device!r}")
    if _PROVIDERS[kind] not in package("onnxruntime").get_available_providers():
        hint = " (its GPU build is the package onnxruntime-gpu)" if kind == "cuda" else ""
        raise InputError(f"device {device!r} cannot be used: the onnxruntime installed here has no such provider{hint}")


def open_session(path: Path, what: str, device: str = "cpu") -> Any:
    """Open a network; it computes on one thread, so that its numbers do not depend on the machine's cores.

    Parameters
    ----------
    path : Path
    what : str
        What the file is called in errors.
    device : str, default "cpu"
        ``"cpu"``, ``"cuda"``, ``"cuda:<number>"`` or ``"coreml"``.

    Raises
    ------
    InputError
        If there is no such file, or it is no network that can be run there.
    """
    check_is_file(path, what)
    runtime = package("onnxruntime")
    check_onnx_device(device)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    kind, _, number = device.partition(":")
    provider = (_PROVIDERS[kind], {"device_id": number or "0"}) if kind == "cuda" else _PROVIDERS[kind]
    try:
        return runtime.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:  # the library's own kinds of errors have no common base
        raise InputError(f"the {what} {path} must be an ONNX network that runs here: {one_line(error)}") from None
