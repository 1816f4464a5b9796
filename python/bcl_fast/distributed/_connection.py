"""The connection to a Ray cluster: found or started for a call, and left as it was found."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from bcl_fast._utils.extras import require
from bcl_fast._utils.memory import free_memory
from bcl_fast._utils.process_group import LostProcesses
from bcl_fast._utils.text import one_line
from bcl_fast._utils.threads import available_cores
from bcl_fast.errors import InputError

_SECONDS_TO_ANSWER = 5.0
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"  # of HTTP/2, with empty settings
_SETTINGS = 4  # the type of the frame that every server of HTTP/2 begins with
_STORE_SHARE, _LEAST_STORE = 0.3, 100 << 20  # of the free memory, and bytes that Ray takes no less than
_SHORT_FOLDER = "/tmp" if os.path.isdir("/tmp") else None  # names of sockets are 107 bytes at most
# Read by Ray when it is imported. Nothing is reported to its makers, no device is hidden from anybody, and what raylets
# say of workers that died is not printed, on standard output of all places: an error here says it where it matters.
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "1",
    "RAY_DEDUP_LOGS_SKIP_REGEX": "^",
}


@contextmanager
def connected(address: str | None, n_cpus: int) -> Iterator[None]:
    """Connect to a cluster for a while.

    Parameters
    ----------
    address : str or None
        As in `bcl_fast.distributed.RayEngine`.
    n_cpus : int
        Of a cluster that is started; 0: all that this process may use.

    Raises
    ------
    InputError
        If nothing answers at the address, or not Ray, or another version of it.
    """
    require("engine='ray'", "ray")
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():
        if address not in (None, "auto"):
            raise InputError(f"this process is connected to a Ray cluster already: no other address, got {address!r}")
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    folder = tempfile.mkdtemp(prefix="bcl_ray_", dir=_SHORT_FOLDER) if address == "local" else None
    try:
        if folder is None:
            _join(address)
        else:
            _start(n_cpus or available_cores(), folder)
        yield
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _start(n_cpus: int, folder: str) -> None:
    import ray

    store = max(_LEAST_STORE, int(_STORE_SHARE * free_memory()))
    with _in_silence():
        try:
            ray.init(
                address="local",
                num_cpus=n_cpus,
                include_dashboard=False,
                object_store_memory=store,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                _temp_dir=folder,
            )
        except (OSError, RuntimeError, ValueError, ConnectionError) as error:
            raise LostProcesses(f"no Ray cluster could be started: {one_line(error)}") from error


def _join(address: str) -> None:
    import ray

    if address != "auto":
        _check_answer(address)
    with _in_silence():
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
        except ConnectionError:
            where = "on this machine" if address == "auto" else f"at {address}"
            raise InputError(f"no Ray cluster runs {where}: start one with 'ray start --head'") from None
        except (RuntimeError, ValueError) as error:  # other versions of Ray and Python among them
            raise InputError(f"the Ray cluster at {address} cannot be used: {one_line(error)}") from None


def _check_answer(address: str) -> None:
    """Refuse an address where no server of Ray's kind answers: Ray itself would wait there for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise InputError(f"the address of a Ray cluster must be 'HOST:PORT', 'auto' or 'local', got {address!r}")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_ANSWER) as connection:
            connection.sendall(_HELLO)
            answer = connection.recv(9)
    except (OSError, OverflowError, UnicodeError) as error:
        raise InputError(f"no Ray cluster answers at {address}: {one_line(error)}") from None
    if len(answer) < 4 or answer[3] != _SETTINGS:
        raise InputError(f"no Ray cluster answers at {address}, but something else")


@contextmanager
def _in_silence() -> Iterator[None]:
    """Keep what Ray announces and warns of to itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
