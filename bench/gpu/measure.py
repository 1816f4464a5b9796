"""What a GPU reaches, beside its ceilings.

``python -m bench.gpu.measure [DEVICE]`` writes ``bench/results/<its name>.json``.

``bench/gpu/check.sh`` runs this after the tests. What has been measured is written after every part, so that a run
that is cut short leaves the rest. With DEVICE ``cpu`` everything runs in a small size, which tests this file.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bcl_fast import BallLoss, complete_linkage, cuda_version
from bcl_fast.training import Recipe, train
from bench.data import DISTANCE_THRESHOLD, identity_vectors
from bench.losses.bench_ball_loss import ball_loss_eager
from bench.training.bench_epoch import paper_scale_tracks

RESULTS = Path(__file__).parents[1] / "results"
LATEST_START_SECONDS = 270.0  # a part that would begin later is left out
# (n_samples, n_features, n_classes), and whether torch.compile is measured: it takes a minute each.
LOSS_SIZES = [((500, 64, 150), False), ((2_000, 64, 450), True), ((8_192, 128, 1_024), False)]
LOSS_SIZES += [((65_536, 256, 8_192), True)]

Row = dict[str, Any]


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def median_seconds(function: Callable[[], Any], device: torch.device, budget_seconds: float = 1.0) -> float:
    """Median time of a call between events of the device, after a warm-up."""
    for _ in range(3):
        function()
    wait(device)
    start = time.perf_counter()
    function()
    wait(device)
    repeats = min(500, max(5, int(budget_seconds / (time.perf_counter() - start + 1e-6))))
    if device.type != "cuda":
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
        return statistics.median(times)
    marks = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(repeats)]
    for before, after in marks:
        before.record()
        function()
        after.record()
    wait(device)
    return statistics.median(before.elapsed_time(after) for before, after in marks) / 1e3


def extra_bytes(function: Callable[[], Any], device: torch.device) -> int | None:
    """Peak memory that a call takes beyond what there was before."""
    if device.type != "cuda":
        return None
    wait(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    function()
    wait(device)
    return torch.cuda.max_memory_allocated(device) - before


def ceilings(device: torch.device) -> dict[str, float]:
    """Bytes per second of a copy, and operations per second of a large product, in float32 and in TF32."""
    size = 1 << 28 if device.type == "cuda" else 1 << 20
    source = torch.randn(size, device=device)
    target = torch.empty_like(source)
    copy_seconds = median_seconds(lambda: target.copy_(source), device)
    n = 8192 if device.type == "cuda" else 256
    a, b = (torch.randn(n, n, device=device) for _ in range(2))
    rates = {"bytes_per_second": 2 * 4 * size / copy_seconds}
    former = torch.get_float32_matmul_precision()
    for name, precision in (("float32_flops_per_second", "highest"), ("tf32_flops_per_second", "high")):
        torch.set_float32_matmul_precision(precision)
        rates[name] = 2 * n**3 / median_seconds(lambda: a @ b, device)
    torch.set_float32_matmul_precision(former)
    return rates


def captured(step: Callable[[], Any], device: torch.device) -> Callable[[], Any]:
    """Return the replay of a step in a CUDA graph."""
    if device.type != "cuda":
        return step
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream(device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def loss_rows(
    size: tuple[int, int, int], with_compile: bool, rates: dict[str, float], device: torch.device
) -> Iterator[Row]:
    """Forward and backward of the ball loss, by implementation."""
    n, d, k = size
    generator = torch.Generator().manual_seed(0)
    labels = torch.cat([torch.arange(k), torch.randint(0, k, (n - k,), generator=generator)]).to(device)
    embeddings = F.normalize(torch.randn(n, d, generator=generator), dim=1).to(device).requires_grad_()
    loss = BallLoss(num_classes=k, normalize=False).to(device)  # the kernels; the embeddings have unit length
    # Embeddings read, their gradient written; three TF32 products for every distance.
    floor_seconds = max(2 * 4 * n * d / rates["bytes_per_second"], 3 * 2 * n * k * d / rates["tf32_flops_per_second"])

    def peer(function: Callable[..., Tensor]) -> Callable[[], Tensor]:
        return lambda: function(embeddings, labels, loss.raw_radius, k)

    functions = {"bcl_fast": lambda: loss(embeddings, labels), "eager PyTorch": peer(ball_loss_eager)}
    if with_compile:
        functions["torch.compile, max-autotune"] = peer(
            torch.compile(ball_loss_eager, mode="max-autotune-no-cudagraphs", fullgraph=True)
        )
        functions["torch.compile, max-autotune, CUDA graph"] = functions["torch.compile, max-autotune"]
    functions["bcl_fast, CUDA graph"] = functions["bcl_fast"]
    first: tuple[Tensor, Tensor] | None = None
    for name, function in functions.items():

        def step(function: Callable[[], Tensor] = function) -> tuple[Tensor, Tensor]:
            value = function()
            return value.detach(), torch.autograd.grad(value, (embeddings,))[0]

        value, own_gradient = step()
        wanted, gradient = first = first or (value, own_gradient)
        torch.testing.assert_close(value, wanted, rtol=1e-3, atol=1e-5)
        difference = (own_gradient - gradient).norm() / gradient.norm()
        run = captured(step, device) if "CUDA graph" in name else step
        yield {
            "question": "ball loss, forward + backward",
            "size": f"{n:,} x {d}, {k:,} classes",
            "implementation": name,
            "seconds": median_seconds(run, device),
            "floor_seconds": floor_seconds,
            "extra_bytes": None if "CUDA graph" in name else extra_bytes(step, device),
            "difference_of_gradient": float(difference),
        }


def training_rows(device: torch.device) -> Iterator[Row]:
    """Time an epoch at the paper's scale: 61,774 tracks in batches of 2,000."""
    small = device.type == "cpu"
    tracks = paper_scale_tracks()
    if small:
        tracks = tracks.select(np.arange(4_000))
    result = train(tracks, recipe=Recipe.paper(epochs=2 if small else 12, batch_size=2_000), device=str(device))
    seconds = [record.data_seconds + record.step_seconds for record in result.history[1:]]
    yield {
        "question": "training epoch",
        "size": f"{tracks.n_tracks:,} tracks, batches of 2,000",
        "implementation": "bcl_fast",
        "seconds": statistics.median(seconds),
        "floor_seconds": None,
    }


def clustering_rows(n: int, rates: dict[str, float], device: torch.device) -> Iterator[Row]:
    """From float32 vectors to labels, on the GPU and, up to 100,000 points, on the CPU."""
    points = identity_vectors(n)
    complete_linkage(points[:4096], DISTANCE_THRESHOLD, device=str(device))  # the context and the threads are there
    labels = None
    for implementation, where in (("bcl_fast", str(device)), ("bcl_fast on the CPU", "cpu")):
        if where == "cpu" and n > 100_000:
            continue
        start = time.perf_counter()
        found = complete_linkage(points, DISTANCE_THRESHOLD, device=where).labels
        seconds = time.perf_counter() - start
        if labels is not None and not np.array_equal(found, labels):
            raise AssertionError(f"the labels of {n:,} points differ between {device} and the CPU")
        labels = found
        yield {
            "question": "clustering",
            "size": f"{n:,} x {points.shape[1]}",
            "implementation": implementation,
            "seconds": seconds,
            # Half of all products, once, in TF32.
            "floor_seconds": n**2 * points.shape[1] / rates["tf32_flops_per_second"],
        }


def describe(device: torch.device) -> dict[str, Any]:
    commit = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True)
    on_gpu = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if on_gpu else "CPU, small sizes",
        "multiprocessors": torch.cuda.get_device_properties(device).multi_processor_count if on_gpu else None,
        "processors": len(os.sched_getaffinity(0)),
        "cuda_version": cuda_version(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
        "commit": commit.stdout.strip() or "unknown",
    }


def parts(device: torch.device, rates: dict[str, float]) -> Iterator[tuple[str, Callable[[], Iterator[Row]]]]:
    """Name and measurement of each part, the most wanted first."""
    small = device.type == "cpu"
    sizes = [((200, 16, 20), False)] if small else LOSS_SIZES
    for size, with_compile in sizes:
        yield f"ball loss {size}", partial(loss_rows, size, with_compile, rates, device)
    yield "training epoch", lambda: training_rows(device)
    for n in (2_000,) if small else (9_740, 100_000, 1_000_000):
        yield f"clustering {n}", partial(clustering_rows, n, rates, device)


def measure(device: torch.device, output: Path) -> None:
    start = time.perf_counter()
    results: dict[str, Any] = {**describe(device), "ceilings": ceilings(device), "rows": [], "left_out": []}
    for name, part in parts(device, results["ceilings"]):
        if time.perf_counter() - start > LATEST_START_SECONDS:
            results["left_out"].append(f"{name}: no time was left")
        else:
            try:
                for row in part():
                    results["rows"].append(row)
                    what = ", ".join(row[key] for key in ("question", "size", "implementation"))
                    print(f"{what}: {row['seconds']:.6f} s", flush=True)
            except Exception as error:  # one part that fails should not cost the others
                results["left_out"].append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0]}")
                print(results["left_out"][-1], file=sys.stderr)
        output.write_text(json.dumps(results, indent=2) + "\n")


def main() -> None:
    device = torch.device(sys.argv[1] if len(sys.argv) > 1 else "cuda")
    if device.type == "cuda" and not torch.cuda.is_available():
        sys.exit(f"torch {torch.__version__} finds no CUDA device here")
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else RESULTS
    folder.mkdir(exist_ok=True)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    measure(device, folder / f"{'-'.join(name.lower().split())}.json")


if __name__ == "__main__":
    main()
