"""Where the batches of a training come from: main memory, a GPU's memory, or page-locked memory streamed to a GPU.

All draw the same faces in the same order from the same generator, whatever the device; of several processes each loads
its part of every batch.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from bcl_fast.training._data import SCANNED_ROWS, TrainingData

RESIDENT_SHARE = 0.8  # of the free GPU memory that the features may take; the rest is for the head and its gradients


class Batches(Protocol):
    """The batches of an epoch, one after the other."""

    def begin(self, rng: np.random.Generator, batch_size: int) -> int:
        """Draw an epoch; return its number of batches."""

    def fetch(self, number: int) -> None:
        """Make batch ``number``, counted from 0, the next that is loaded."""

    def load(self) -> tuple[Tensor, Tensor]:
        """Return scaled faces (n, n_features) and codes (n,) of the next batch; a CUDA graph may capture this."""


def make_batches(data: TrainingData, faces_drawn: str, device: torch.device) -> Batches:
    """Choose where the batches come from: on a GPU its memory, if it holds all features and one face is drawn."""
    if device.type == "cpu":
        return HostBatches(data, faces_drawn)
    needed = data.tracks.n_faces * data.tracks.n_features * 4
    fits = needed <= RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]
    if fits and faces_drawn == "one":
        return ResidentBatches(data, device)
    return StreamedBatches(data, faces_drawn, device)


class HostBatches:
    """Batches in main memory, drawn when they are asked for."""

    def __init__(self, data: TrainingData, faces_drawn: str) -> None:
        self._data = data
        self._faces_drawn = faces_drawn

    def begin(self, rng: np.random.Generator, batch_size: int) -> int:
        """See `Batches`."""
        self._rng = rng
        self._batches = self._data.batches(rng, batch_size)
        return len(self._batches)

    def fetch(self, number: int) -> None:
        """See `Batches`."""
        faces, codes = self._data.draw(self._rng, self._batches[number], self._faces_drawn)
        self._next = torch.from_numpy(faces), torch.from_numpy(codes)

    def load(self) -> tuple[Tensor, Tensor]:
        """See `Batches`."""
        return self._next


class ResidentBatches:
    """All features in GPU memory: the faces are chosen and gathered there, and an epoch's draw is one small copy."""

    def __init__(self, data: TrainingData, device: torch.device) -> None:
        self._data = data
        self._device = device
        self._scale = data.input_scale
        self._features = torch.empty(data.tracks.n_faces, data.tracks.n_features, device=device)
        for start in range(0, data.tracks.n_faces, SCANNED_ROWS):
            rows = np.array(data.tracks.features[start : start + SCANNED_ROWS], np.float32)
            self._features[start : start + len(rows)] = torch.from_numpy(rows)
        self._starts = torch.from_numpy(data.tracks.offsets[:-1].astype(np.int64)).to(device)
        self._lengths = torch.from_numpy(np.diff(data.tracks.offsets).astype(np.int64)).to(device)
        self._codes = torch.from_numpy(data.codes).to(device)
        # Where a captured graph reads: the epoch's faces and codes, and the number of the next batch.
        self._epoch_rows = self._epoch_codes = torch.empty(0, dtype=torch.int64, device=device)
        self._next = torch.zeros(1, dtype=torch.int64, device=device)

    def begin(self, rng: np.random.Generator, batch_size: int) -> int:
        """See `Batches`."""
        batches = np.stack(self._data.batches(rng, batch_size))
        tracks, draws = (torch.from_numpy(part).to(self._device) for part in (batches, rng.random(batches.shape)))
        part = self._data.processes.share(tracks.shape[1])
        tracks, draws = tracks[:, part], draws[:, part]
        if self._epoch_rows.shape != tracks.shape:
            self._epoch_rows, self._epoch_codes = torch.empty_like(tracks), torch.empty_like(tracks)
        self._epoch_rows.copy_(self._starts[tracks] + (draws * self._lengths[tracks]).to(torch.int64))
        self._epoch_codes.copy_(self._codes[tracks])
        self._next.zero_()
        return len(tracks)

    def fetch(self, number: int) -> None:
        """See `Batches`; the number is counted on the GPU."""

    def load(self) -> tuple[Tensor, Tensor]:
        """See `Batches`."""
        rows, codes = (part.index_select(0, self._next)[0] for part in (self._epoch_rows, self._epoch_codes))
        self._next += 1
        return self._features.index_select(0, rows).mul_(self._scale), codes


class StreamedBatches:
    """Features in main memory: a batch is drawn into page-locked memory, and copied while the one before is used."""

    def __init__(self, data: TrainingData, faces_drawn: str, device: torch.device) -> None:
        self._source = HostBatches(data, faces_drawn)
        self._device = device
        self._copies = _new_stream(device)
        self._slots: list[_Slot] = []

    def begin(self, rng: np.random.Generator, batch_size: int) -> int:
        """See `Batches`."""
        return self._source.begin(rng, batch_size)

    def fetch(self, number: int) -> None:
        """See `Batches`."""
        self._source.fetch(number)
        batch = self._source.load()
        if not self._slots:
            self._slots = [_Slot(batch, self._device) for _ in range(2)]
            self._next = tuple(torch.empty_like(part) for part in self._slots[0].on_device)
        slot = self._slots[number % 2]
        slot.copied.synchronize()  # the page-locked memory is free again
        for pinned, part in zip(slot.on_host, batch, strict=True):
            pinned.copy_(part)
        with torch.cuda.stream(self._copies):
            self._copies.wait_event(slot.used)
            for target, pinned in zip(slot.on_device, slot.on_host, strict=True):
                target.copy_(pinned, non_blocking=True)
            slot.copied.record(self._copies)
        steps = _current_stream(self._device)
        steps.wait_event(slot.copied)
        for target, part in zip(self._next, slot.on_device, strict=True):
            target.copy_(part)
        slot.used.record(steps)

    def load(self) -> tuple[Tensor, Tensor]:
        """See `Batches`; the same memory each time, as a captured graph wants it."""
        faces, codes = self._next
        return faces, codes


class _Slot:
    """One of the two batches under way: on the host, on the device, and the events between."""

    def __init__(self, batch: tuple[Tensor, Tensor], device: torch.device) -> None:
        pinned = device.type == "cuda"
        self.on_host = [torch.empty_like(part, pin_memory=pinned) for part in batch]
        self.on_device = [torch.empty_like(part, device=device) for part in batch]
        self.copied, self.used = _new_event(), _new_event()


def _new_stream(device: torch.device) -> Any:
    return torch.cuda.Stream(device)


def _current_stream(device: torch.device) -> Any:
    return torch.cuda.current_stream(device)


def _new_event() -> Any:
    return torch.cuda.Event()
