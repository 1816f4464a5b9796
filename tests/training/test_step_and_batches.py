"""Training on a GPU: its code on the CPU as far as that goes, and on a device where there is one."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

from bcl_fast import _core
from bcl_fast.errors import InputError
from bcl_fast.training import Recipe, _batches, _step, _train, _trainer, train
from bcl_fast.training._batches import HostBatches, ResidentBatches, StreamedBatches
from bcl_fast.training._data import TrainingData
from tests.helpers.cli import refused
from tests.helpers.training import SMALL, assert_same_result, blobs, weights_of

LONGER = replace(SMALL, epochs=6, batch_size=8, radius_freeze_epochs=3)  # seven steps an epoch


def resident_batches(data: TrainingData, faces_drawn: str, device: torch.device) -> ResidentBatches:
    assert faces_drawn == "one"
    return ResidentBatches(data, device)


class NoStream:
    """Stands for a CUDA stream or event where there is no GPU, and notes what is done with it."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str):
        return lambda *_: self.calls.append(name)


@pytest.fixture
def without_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_new_stream", "_current_stream"):
        monkeypatch.setattr(_batches, name, lambda device: NoStream())
    monkeypatch.setattr(_batches, "_new_event", NoStream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())


@pytest.mark.usefixtures("without_streams")
@pytest.mark.parametrize("batch_size", [8, 25, 100])
def test_all_batches_are_the_same(batch_size: int) -> None:
    data, device = TrainingData(blobs()), torch.device("cpu")
    kinds = [HostBatches(data, "one"), ResidentBatches(data, device), StreamedBatches(data, "one", device)]
    generators = [np.random.default_rng(7) for _ in kinds]
    for _ in range(2):
        (n_batches,) = {batches.begin(rng, batch_size) for batches, rng in zip(kinds, generators, strict=True)}
        assert n_batches == -(-data.tracks.n_tracks // batch_size)
        for number in range(n_batches):
            for batches in kinds:
                batches.fetch(number)
            (faces, codes), *others = [tuple(part.clone() for part in batches.load()) for batches in kinds]
            for other_faces, other_codes in others:
                assert torch.equal(other_faces, faces)
                assert torch.equal(other_codes, codes)
    assert len({str(rng.bit_generator.state) for rng in generators}) == 1


@pytest.mark.usefixtures("without_streams")
@pytest.mark.parametrize("resident", [True, False])
def test_training_has_the_same_bits_from_any_batches(resident: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = train(blobs(), blobs(5, seed=9), recipe=LONGER)
    monkeypatch.setattr(_trainer, "make_batches", resident_batches if resident else StreamedBatches)
    assert_same_result(train(blobs(), blobs(5, seed=9), recipe=LONGER), wanted)


def allow_captures(monkeypatch: pytest.MonkeyPatch, capture) -> None:
    """Let training on the CPU capture its steps, as ``capture`` does."""
    original = _step.Steps.__init__

    def init(self, *arguments) -> None:
        original(self, *arguments)
        self._may_capture = True

    monkeypatch.setattr(_step.Steps, "__init__", init)
    monkeypatch.setattr(_step, "_capture", capture)
    monkeypatch.setattr(_trainer, "make_batches", resident_batches)


def test_a_step_is_captured_after_a_few_and_anew_when_the_radius_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = train(blobs(), recipe=LONGER)
    replays: list[int] = []

    def capture(step, stream):
        replays.append(0)

        def replay() -> None:
            replays[-1] += 1
            step()

        return replay

    allow_captures(monkeypatch, capture)
    assert_same_result(train(blobs(), recipe=LONGER), wanted)
    assert replays == [3 * 7 - _step.WARM_UP_STEPS] * 2


def test_without_a_capture_training_goes_on_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = train(blobs(), recipe=LONGER)

    def capture(step, stream):
        raise RuntimeError("operation not permitted when stream is capturing\nmore of it")

    allow_captures(monkeypatch, capture)
    sentence = "^training goes on without a CUDA graph, more slowly: operation not permitted when stream is capturing$"
    with pytest.warns(UserWarning, match=sentence) as caught:
        result = train(blobs(), recipe=LONGER)
    assert len(caught) == 1
    assert_same_result(result, wanted)


def test_a_step_reads_its_rates_where_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    # What a graph would replay is the address of a rate, so the same tensor must hold every epoch's.
    allow_captures(monkeypatch, lambda step, stream: step)
    original, rates = _step.Steps.__init__, []

    def init(self, state, *others) -> None:
        original(self, state, *others)
        self._rates = [torch.zeros(()) for _ in state.optimizer.param_groups]
        rates.append((self._rates, state.optimizer.param_groups))

    monkeypatch.setattr(_step.Steps, "__init__", init)
    wanted = train(blobs(), recipe=replace(LONGER, lr_decay_epochs=2))
    ((tensors, groups),) = rates
    assert [group["lr"] for group in groups] == tensors
    assert all(group["lr"] is tensor for group, tensor in zip(groups, tensors, strict=True))
    assert float(tensors[0]) == pytest.approx(0.1 * 0.9**2)
    monkeypatch.setattr(_step.Steps, "__init__", original)
    plain = train(blobs(), recipe=replace(LONGER, lr_decay_epochs=2))
    for name, weight in weights_of(wanted).items():
        torch.testing.assert_close(weight, weights_of(plain)[name])


def test_a_device_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"^device must be 'cpu', 'cuda' or 'cuda:<number>', got 'tpu'$"):
        train(blobs(), device="tpu")
    monkeypatch.setattr(_core, "cuda_device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"^device 'cuda' cannot be used: the torch installed here, .*, finds no GPU$"):
        train(blobs(), device="cuda")
    monkeypatch.setattr(_train, "torch_device", lambda device: torch.device("cuda"))
    with pytest.raises(InputError, match=r"^a GPU trains with the ball loss alone, got the loss 'triplet': use device"):
        train(blobs(), recipe=Recipe.paper(loss="triplet"), device="cuda")


@pytest.mark.parametrize("command", ["train", "cluster"])
def test_commands_refuse_a_device_before_they_read(command: str, tmp_path) -> None:
    (tmp_path / "tracks.parquet").touch()
    options = {"train": ("-o", tmp_path / "m.safetensors"), "cluster": ("-o", tmp_path / "c.csv", "--threshold", 1)}
    message = refused(tmp_path, command, tmp_path / "tracks.parquet", *options[command], "--device", "tpu")
    assert message == "device must be 'cpu', 'cuda' or 'cuda:<number>', got 'tpu'"


# --- on a device


@pytest.mark.cuda
def test_fifty_steps_on_a_gpu_follow_those_on_the_cpu() -> None:
    recipe = Recipe.paper(epochs=8, batch_size=8, learning_rate=0.05, radius_freeze_epochs=2)
    tracks, val = blobs(), blobs(5, seed=9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the step must be captured
        on_gpu = train(tracks, val, recipe=recipe, device="cuda")
    on_cpu = train(tracks, val, recipe=recipe)
    for mine, wanted in zip(on_gpu.history, on_cpu.history, strict=True):
        assert mine.loss == pytest.approx(wanted.loss, rel=1e-3)
        assert mine.squared_radius == pytest.approx(wanted.squared_radius, rel=1e-3)
    assert all(weight.device.type == "cpu" for weight in weights_of(on_gpu).values())


@pytest.mark.cuda
def test_features_that_do_not_fit_are_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    resident = train(blobs(), recipe=LONGER, device="cuda")
    monkeypatch.setattr(_batches, "RESIDENT_SHARE", 0.0)
    assert_same_result(train(blobs(), recipe=LONGER, device="cuda"), resident)


@pytest.mark.cuda
def test_a_run_on_a_gpu_resumes(tmp_path) -> None:
    whole = train(blobs(), recipe=LONGER, device="cuda")
    train(blobs(), recipe=replace(LONGER, epochs=4), checkpoint=tmp_path / "state.pt", device="cuda")
    for device in ("cuda", "cpu"):
        (tmp_path / f"{device}.pt").write_bytes((tmp_path / "state.pt").read_bytes())
        resumed = train(blobs(), recipe=LONGER, checkpoint=tmp_path / f"{device}.pt", resume=True, device=device)
        assert resumed.history[-1].loss == pytest.approx(whole.history[-1].loss, rel=1e-3)
