"""Clusters that are joined, started and left: by address, with nodes that come late, interrupted; nothing stays."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest

from bcl_fast import InputError, TrackSet, write_tracks
from bcl_fast._utils.extras import is_installed
from bcl_fast.distributed import RayEngine
from bcl_fast.distributed._connection import _check_answer
from tests.helpers.cli import run as run_cli
from tests.helpers.linkage import identities

if not is_installed("ray"):  # importing it here would be too early for what `connected` tells it
    pytest.skip("Ray is not installed: pip install 'bcl-fast[ray]'", allow_module_level=True)

ROOT = Path(__file__).parents[2]
NODES = """
import socket, sys
import numpy as np
from bcl_fast.distributed import _connection  # before Ray
import os
os.environ.update(_connection._QUIET)
from ray.cluster_utils import Cluster
from bcl_fast import complete_linkage
from bcl_fast.distributed import RayEngine
from tests.helpers.linkage import identities

X = identities(6000, 16)
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
late = []

def come_and_go(told):
    if not late:
        late.extend([cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)])
    elif told.share > 0.3 and len(late) == 2:  # and with it the blocks that it holds
        cluster.remove_node(late.pop(), allow_graceful=False)

try:
    found = complete_linkage(X, 0.6, engine=RayEngine(cluster.address), progress=come_and_go)
    wanted = complete_linkage(X, 0.6)
    assert np.array_equal(found.merges, wanted.merges) and np.array_equal(found.labels, wanted.labels)
    import ray
    assert not ray.is_initialized() and len(late) == 1
finally:
    cluster.shutdown()
print("same bits")
"""
INTERRUPTED = """
import sys
from bcl_fast import complete_linkage
from tests.helpers.linkage import identities

def tell(told):
    if told.share > 0:
        print("working", flush=True)

complete_linkage(identities(60_000, 16), engine="ray", n_jobs=1, progress=tell)
"""


def python(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def test_an_address_nodes_that_come_late_and_one_that_goes():
    out, err = (process := python(NODES)).communicate(timeout=200)
    assert process.returncode == 0, err
    assert out == "same bits\n"


def test_ctrl_c_leaves_nothing_running():
    process = python(INTERRUPTED)
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    children = psutil.Process(process.pid).children(recursive=True)
    assert any("raylet" in child.name() for child in children)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert err.rstrip().endswith("KeyboardInterrupt")
    psutil.wait_procs(children, timeout=30)
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []


def test_the_command_gives_what_it_gives_without(tmp_path):
    write_tracks(TrackSet.from_arrays(identities(3000, 8)), tmp_path / "tracks.npz")
    arguments = ["cluster", str(tmp_path / "tracks.npz"), "--threshold", "0.5", "--constraints", "none", "-q", "-o"]
    assert run_cli(*arguments, str(tmp_path / "one.csv")).exit_code == 0
    options = ["--engine", "ray", "--ray-address", "local"]
    command = [sys.executable, "-m", "bcl_fast", *arguments, str(tmp_path / "many.csv"), *options]
    run = subprocess.run(command, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert (tmp_path / "many.csv").read_text() == (tmp_path / "one.csv").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--ray-address", "local"], "--ray-address wants --engine ray"),
        (["--engine", "ray", "--ray-address", "127.0.0.1:1"], "no Ray cluster answers at 127.0.0.1:1: "),
        (["--engine", "ray", "--ray-address", "ray://here:1"], "must be 'HOST:PORT', 'auto' or 'local', got 'ray://"),
        (["--engine", "ray", "--linkage", "average"], "engine='ray' is for complete linkage"),
    ],
)
def test_commands_say_in_one_sentence_what_cannot_be_had(tmp_path, options, says, monkeypatch):
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # by other tests, whose cluster must stay
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    np.save(tmp_path / "x.npy", np.eye(4))
    result = run_cli("cluster", str(tmp_path / "x.npy"), "--threshold", "1", "-o", str(tmp_path / "y.csv"), *options)
    assert result.exit_code in (1, 2)
    assert says in " ".join(result.output.split())
    assert not (tmp_path / "y.csv").exists()


@pytest.mark.parametrize("address", ["here", "127.0.0.1:", "127.0.0.1:x", ":6379", "ray://127.0.0.1:1", ""])
def test_addresses_that_are_none(address):
    with pytest.raises(InputError, match="address of a Ray cluster must be 'HOST:PORT', 'auto' or 'local', got"):
        _check_answer(RayEngine(address).address)


def test_a_server_of_another_kind():
    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        port = server.getsockname()[1]
        with pytest.raises(InputError, match=f"^no Ray cluster answers at 127.0.0.1:{port}, but something else$"):
            _check_answer(f"127.0.0.1:{port}")
        thread.join()
