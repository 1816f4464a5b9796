"""The paper's base networks: ResNet-50 and SE-ResNet-50 trained on VGGFace2, from the files of their authors.

Q. Cao et al.: VGGFace2: A dataset for recognising faces across pose and age. FG 2018. The layers have
the names of the authors' PyTorch files (``senet50_256.pth``, ``resnet50_256.pth``, ``senet50_ft_dag.pth``), from which
it is seen whether there are squeeze-and-excitation layers, and a last layer of 256 or 128 features.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bcl_fast._utils.devices import torch_device
from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import Floats
from bcl_fast.errors import InputError
from bcl_fast.video._aligned import square_crop
from bcl_fast.video._cutout import Cutout

_WHERE = "the authors publish the files with their data set (github.com/ox-vgg/vgg_face2)"
_MEANS = (131.0912, 103.8827, 91.4953)  # of red, green and blue
_SIDE = 224  # pixels of a face
_EXTENDED = 0.3  # of the detector's box
_BLOCKS = {2: 3, 3: 4, 4: 6, 5: 3}  # of each stage
_WIDTHS = {2: 64, 3: 128, 4: 256, 5: 512}  # of the inner layers; four times as many go out
_EPSILON = 1e-5


class VGGFace2Recognizer:
    """A network of the VGGFace2 authors, with their preparation: the box 30 % larger, 224 pixels, mean taken off.

    Parameters
    ----------
    file : Path
        A state dict, read as plain tensors: nothing in it is executed.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"cuda:<number>"``.

    Raises
    ------
    InputError
        If the file is missing or no such network.
    """

    distance_threshold: float | None = None

    def __init__(self, file: Path, device: str) -> None:
        if not file.is_file():
            raise InputError(f"the weights {file} do not exist or are not a file: {_WHERE}")
        self.name = f"vggface2:{file.stem}"
        self._device = torch_device(device)
        weights = _state_dict(file)
        self._has_squeeze = "conv2_1_1x1_down.weight" in weights
        n_last = weights["feat_extract.weight"].shape[0] if "feat_extract.weight" in weights else None
        self.n_features = 2048 if n_last is None else int(n_last)
        _check(file, weights, _layers(self._has_squeeze, n_last))
        self._weights = {name: tensor.float().to(self._device) for name, tensor in weights.items()}
        self.fingerprint = _fingerprint(weights)

    @torch.inference_mode()
    def embed(self, faces: list[Cutout]) -> Floats:
        """Return the embeddings of faces: (n_faces, n_features) float32, not of unit norm."""
        if not faces:
            return np.empty((0, self.n_features), np.float32)
        crops = np.stack([square_crop(face, _EXTENDED, _SIDE) for face in faces]).astype(np.float32)
        pixels = torch.from_numpy(crops - np.array(_MEANS, np.float32)).permute(0, 3, 1, 2).to(self._device)
        return self._forward(pixels).cpu().numpy()

    def _forward(self, images: Tensor) -> Tensor:
        images = F.relu(self._convolved(images, "conv1_7x7_s2", stride=2, padding=3))
        images = F.max_pool2d(images, 3, 2, ceil_mode=True)
        for stage, n_blocks in _BLOCKS.items():
            for block in range(1, n_blocks + 1):
                images = self._block(images, f"conv{stage}_{block}", 2 if stage > 2 and block == 1 else 1)
        images = images.mean(dim=(2, 3), keepdim=True)
        if "feat_extract.weight" in self._weights:
            images = F.conv2d(images, self._weights["feat_extract.weight"], self._weights["feat_extract.bias"])
        return images.flatten(1)

    def _block(self, images: Tensor, name: str, stride: int) -> Tensor:
        through = F.relu(self._convolved(images, f"{name}_1x1_reduce", stride=stride))
        through = F.relu(self._convolved(through, f"{name}_3x3", padding=1))
        through = self._convolved(through, f"{name}_1x1_increase")
        if self._has_squeeze:
            through = through * torch.sigmoid(self._excited(through, name))
        if f"{name}_1x1_proj.weight" in self._weights:
            images = self._convolved(images, f"{name}_1x1_proj", stride=stride)
        return F.relu(through + images)

    def _excited(self, images: Tensor, name: str) -> Tensor:
        squeezed = images.mean(dim=(2, 3), keepdim=True)
        down, up = (
            (self._weights[f"{name}_1x1_{way}.weight"], self._weights[f"{name}_1x1_{way}.bias"])
            for way in ("down", "up")
        )
        return F.conv2d(F.relu(F.conv2d(squeezed, *down)), *up)

    def _convolved(self, images: Tensor, name: str, stride: int = 1, padding: int = 0) -> Tensor:
        found = F.conv2d(images, self._weights[f"{name}.weight"], None, stride, padding)
        mean, variance, weight, bias = (
            self._weights[f"{name}_bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(found, mean, variance, weight, bias, eps=_EPSILON)


def _state_dict(file: Path) -> Mapping[str, Tensor]:
    try:
        weights = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(
            f"the weights {file} must be a state dict of tensors, got an error ({one_line(error)})"
        ) from None
    if not isinstance(weights, Mapping) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise InputError(f"the weights {file} must be a state dict of tensors, got something else")
    return weights


def _layers(has_squeeze: bool, n_last: int | None) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all weights by name."""
    shapes: dict[str, tuple[int, ...]] = {}

    def convolution(name: str, n_out: int, n_in: int, side: int) -> None:
        shapes[f"{name}.weight"] = (n_out, n_in, side, side)
        shapes.update({f"{name}_bn.{part}": (n_out,) for part in ("weight", "bias", "running_mean", "running_var")})

    def biased(name: str, n_out: int, n_in: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (n_out, n_in, 1, 1), (n_out,)

    convolution("conv1_7x7_s2", 64, 3, 7)
    n_in = 64
    for stage, n_blocks in _BLOCKS.items():
        width = _WIDTHS[stage]
        for block in range(1, n_blocks + 1):
            name = f"conv{stage}_{block}"
            convolution(f"{name}_1x1_reduce", width, n_in, 1)
            convolution(f"{name}_3x3", width, width, 3)
            convolution(f"{name}_1x1_increase", 4 * width, width, 1)
            if block == 1:
                convolution(f"{name}_1x1_proj", 4 * width, n_in, 1)
            if has_squeeze:
                biased(f"{name}_1x1_down", width // 4, 4 * width)
                biased(f"{name}_1x1_up", 4 * width, width // 4)
            n_in = 4 * width
    if n_last is not None:
        biased("feat_extract", n_last, n_in)
    return shapes


def _check(file: Path, weights: Mapping[str, Tensor], wanted: dict[str, tuple[int, ...]]) -> None:
    for name, shape in wanted.items():
        if name not in weights:
            raise InputError(
                f"the weights {file} must be those of a ResNet-50 of VGGFace2, got none named {name}: {_WHERE}"
            )
        if tuple(weights[name].shape) != shape:
            raise InputError(
                f"the weights {file}: {name} must have the shape {shape}, got {tuple(weights[name].shape)}"
            )


def _fingerprint(weights: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(b"vggface2 224 0.3")
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
