"""Recognisers: dlib's network, ONNX files of any maker, the paper's base networks; none is mixed with another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bcl_fast import EmbeddingModel, InputError, TrackSet, concatenate, load_model, read_tracks, write_tracks
from bcl_fast.models._heads import make_head
from bcl_fast.training import Recipe, train
from bcl_fast.video import ExtractionOptions, extract
from bcl_fast.video._aligned import five_point_aligned, similarity, square_crop
from bcl_fast.video._cutout import Cutout, cut_out, thumbnail
from bcl_fast.video._dlib import DlibRecognizer
from bcl_fast.video._faces import Faces
from bcl_fast.video._recognizer import open_recognizer
from bcl_fast.video._vggface2 import VGGFace2Recognizer, _layers
from tests.helpers.cli import run
from tests.helpers.films import clip_file

Writer = Callable[..., Path]


def cutout(seed: int = 0, side: int = 120) -> Cutout:
    """A face of noise, whose landmarks lie where those of faces do."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    points = np.array([[0.35, 0.4], [0.65, 0.4], [0.5, 0.55], [0.38, 0.7], [0.62, 0.7]], np.float32) * side
    return Cutout(image, np.array([0.2, 0.2, 0.6, 0.6], np.float32) * side, points)


def test_dlibs_network_is_dlibs() -> None:
    dlib = pytest.importorskip("dlib")
    recognizer = DlibRecognizer()
    faces = [cutout(seed) for seed in range(3)]
    own = dlib.face_recognition_model_v1(str(recognizer._files[0]))
    theirs = np.array(own.compute_face_descriptor([recognizer._aligned(face) for face in faces]))
    np.testing.assert_allclose(recognizer.embed(faces), theirs, atol=1e-5)
    assert recognizer.embed([]).shape == (0, 128)


def test_another_file_is_not_dlibs_network(tmp_path: Path) -> None:
    from bcl_fast.video._dlib_network import DlibNetwork

    for content in (b"", b"\x01\x02" * 1000, bytes(5000)):
        (tmp_path / "network.dat").write_bytes(content)
        with pytest.raises(InputError, match="dlib's face recognition network is wanted"):
            DlibNetwork(tmp_path / "network.dat")


def test_an_onnx_file_gets_aligned_pictures(write_recognizer: Writer) -> None:
    path = write_recognizer(n_features=5)
    faces = [cutout(0), cutout(1)]
    pixels = np.stack([five_point_aligned(face) for face in faces]).astype(np.float64)
    fields = (
        ((pixels - 127.5) / 127.5).transpose(0, 3, 1, 2).reshape(2, 3, 7, 16, 7, 16).mean(axis=(3, 5)).reshape(2, -1)
    )
    weights = np.random.default_rng(0).standard_normal((5, 147)).astype(np.float32)
    recognizer = open_recognizer(str(path))
    np.testing.assert_allclose(recognizer.embed(faces), fields @ weights.T, atol=1e-4)
    assert (recognizer.n_features, recognizer.name, recognizer.distance_threshold) == (5, "tiny", None)
    one_by_one = open_recognizer(str(write_recognizer("single", n_features=5, batch=1)))
    np.testing.assert_allclose(one_by_one.embed(faces), recognizer.embed(faces), atol=1e-6)


def test_the_file_beside_an_onnx_file_says_how_pictures_are_prepared(write_recognizer: Writer) -> None:
    path = write_recognizer(n_features=5)
    plain = open_recognizer(str(path))
    settings = {"name": "Tiny", "color": "BGR", "mean": [1, 2, 3], "std": 2.5, "distance_threshold": 1.1}
    path.with_suffix(".json").write_text(json.dumps(settings))
    found = open_recognizer(str(path))
    assert (found.name, found.distance_threshold) == ("Tiny", 1.1)
    assert found.fingerprint != plain.fingerprint
    pixels = five_point_aligned(cutout()).astype(np.float64)[..., ::-1]
    fields = ((pixels - [1, 2, 3]) / 2.5).transpose(2, 0, 1).reshape(3, 7, 16, 7, 16).mean(axis=(2, 4)).reshape(-1)
    weights = np.random.default_rng(0).standard_normal((5, 147)).astype(np.float32)
    np.testing.assert_allclose(found.embed([cutout()])[0], weights @ fields, rtol=1e-4)
    path.with_suffix(".json").write_text(json.dumps({"name": "renamed", "distance_threshold": 3}))
    assert open_recognizer(str(path)).fingerprint == plain.fingerprint  # neither changes an embedding


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("{", "must be JSON"),
        ("[]", "must be an object with some of name, color"),
        ('{"colour": "RGB"}', "must be an object with some of name, color"),
        ('{"color": "GRB"}', "color is not one: 'GRB'"),
        ('{"std": 0}', "std is not one: 0"),
        ('{"mean": [1, 2]}', "mean is not one"),
        ('{"distance_threshold": "1"}', "distance_threshold is not one"),
    ],
)
def test_settings_that_are_refused(write_recognizer: Writer, settings: str, sentence: str) -> None:
    path = write_recognizer()
    path.with_suffix(".json").write_text(settings)
    with pytest.raises(InputError, match=sentence):
        open_recognizer(str(path))


def test_networks_that_take_something_else(write_recognizer: Writer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must take pictures \(n, 3, 112, 112\)"):
        open_recognizer(str(write_recognizer(side=224)))
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(InputError, match=r"text.onnx must be an ONNX network that runs here"):
        open_recognizer(str(tmp_path / "text.onnx"))


@pytest.fixture(scope="module", params=[(True, 256), (False, 128), (False, None)])
def weights(request: pytest.FixtureRequest) -> dict[str, torch.Tensor]:
    """A state dict of the VGGFace2 authors' names and shapes, random."""
    generator = torch.Generator().manual_seed(0)
    found = {}
    for name, shape in _layers(*request.param).items():
        spread = (2 / max(1, int(np.prod(shape[1:])))) ** 0.5 if len(shape) > 1 else 0.1
        found[name] = torch.randn(shape, generator=generator) * spread
        if name.endswith("running_var") or name.endswith("bn.weight"):
            found[name] = found[name].abs() + 0.5
    return found


def test_the_papers_base_networks(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "net.pth"
    torch.save(weights, path)
    recognizer = open_recognizer(f"vggface2:{path}")
    last = weights.get("feat_extract.weight")
    assert recognizer.n_features == (2048 if last is None else len(last))
    face = cutout(side=200)
    found = recognizer.embed([face, cutout(1)])
    np.testing.assert_allclose(found[0], reference(weights, square_crop(face, 0.3, 224)), rtol=1e-3, atol=1e-3)
    assert not np.allclose(found[0], found[1])


def reference(weights: dict[str, torch.Tensor], image: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """The network again, of torch's modules, stage by stage."""
    from torch import nn

    def layer(name: str, stride: int = 1) -> nn.Module:
        weight = weights[f"{name}.weight"]
        convolution = nn.Conv2d(weight.shape[1], len(weight), weight.shape[2], stride, weight.shape[2] // 2, bias=False)
        norm = nn.BatchNorm2d(len(weight))
        convolution.weight.data = weight
        norm.load_state_dict(
            {k: weights[f"{name}_bn.{k}"] for k in ("weight", "bias", "running_mean", "running_var")}, strict=False
        )
        return nn.Sequential(convolution, norm).eval()

    with torch.no_grad():
        pixels = torch.from_numpy(image.astype(np.float32)) - torch.tensor([131.0912, 103.8827, 91.4953])
        x = nn.MaxPool2d(3, 2, ceil_mode=True)(layer("conv1_7x7_s2", 2)(pixels.permute(2, 0, 1)[None]).relu())
        for stage, n_blocks in ((2, 3), (3, 4), (4, 6), (5, 3)):
            for block in range(1, n_blocks + 1):
                name, stride = f"conv{stage}_{block}_1x1", 2 if block == 1 and stage > 2 else 1
                y = layer(f"{name}_reduce", stride)(x).relu()
                y = layer(f"{name}_increase")(layer(f"conv{stage}_{block}_3x3")(y).relu())
                if f"{name}_down.weight" in weights:
                    z = y.mean((2, 3)) @ weights[f"{name}_down.weight"][..., 0, 0].T + weights[f"{name}_down.bias"]
                    z = z.relu() @ weights[f"{name}_up.weight"][..., 0, 0].T + weights[f"{name}_up.bias"]
                    y = y * z.sigmoid()[..., None, None]
                x = (y + (layer(f"{name}_proj", stride)(x) if block == 1 else x)).relu()
        x = x.mean((2, 3))
        if "feat_extract.weight" in weights:
            x = x @ weights["feat_extract.weight"][..., 0, 0].T + weights["feat_extract.bias"]
        return np.asarray(x[0])


def test_weights_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(b"no weights")
    with pytest.raises(InputError, match="must be a state dict of tensors"):
        VGGFace2Recognizer(path, "cpu")
    torch.save({"conv1_7x7_s2.weight": torch.zeros(64, 3, 7, 7)}, path)
    with pytest.raises(InputError, match=r"got none named conv1_7x7_s2_bn.weight"):
        VGGFace2Recognizer(path, "cpu")
    torch.save({"conv1_7x7_s2.weight": torch.zeros(64, 3, 3, 3)}, path)
    with pytest.raises(InputError, match=r"must have the shape \(64, 3, 7, 7\), got \(64, 3, 3, 3\)"):
        VGGFace2Recognizer(path, "cpu")
    torch.save([1], path)
    with pytest.raises(InputError, match="got something else"):
        VGGFace2Recognizer(path, "cpu")


def test_a_similarity_is_found_again() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((5, 2))
    angle = 2.5
    turn = 3.0 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(
        similarity(points, points @ turn.T + [4, -7]), np.column_stack([turn, [4, -7]]), atol=1e-9
    )
    mirrored = similarity(points, points * [-1, 1])
    assert np.linalg.det(mirrored[:, :2]) > 0  # a face is never mirrored


def test_a_face_at_the_edge_of_its_frame_is_cut_out() -> None:
    picture = np.arange(60 * 80 * 3, dtype=np.uint32).reshape(60, 80, 3).astype(np.uint8)
    boxes = np.array([[-5, -5, 20, 20], [70, 50, 20, 20]], np.float32)
    faces = Faces(boxes, boxes[:, None, :2] + np.zeros((2, 5, 2), np.float32), np.ones(2, np.float32))
    first, second = cut_out(picture, faces, 0), cut_out(picture, faces, 1)
    np.testing.assert_array_equal(first.image, picture[:27, :27])
    np.testing.assert_array_equal(second.box, [12, 12, 20, 20])
    assert thumbnail(second).startswith("data:image/jpeg;base64,/9j/")


def tracks_of(recognizer: str | None, video: str = "film") -> TrackSet:
    features = np.random.default_rng(0).standard_normal((24, 12))
    labels = np.repeat(["a", "b", "c", "d"], 6)
    return TrackSet.from_arrays(features, labels=labels, video_ids=video, recognizer=recognizer)


def test_tracks_of_two_recognizers_are_not_put_together(tmp_path: Path) -> None:
    sets = tracks_of("1111", "a"), tracks_of("2222", "b"), tracks_of(None, "c")
    with pytest.raises(InputError, match=r"features must be of one recognizer.* 1111 in set 0 and by 2222 in set 1"):
        concatenate(sets)
    assert concatenate([sets[0], sets[2]]).recognizer == "1111"
    for number, part in enumerate(sets):
        write_tracks(part, tmp_path / f"{number}.parquet")
    assert read_tracks(tmp_path / "1.parquet").recognizer == "2222"
    assert read_tracks(tmp_path / "1.parquet").select([0, 3]).recognizer == "2222"
    found = run("cluster", tmp_path / "0.parquet", tmp_path / "1.parquet", "--threshold", "1", "-o", tmp_path / "c.csv")
    assert found.exit_code == 1
    assert f"by 1111 in {tmp_path / '0.parquet'} and by 2222 in {tmp_path / '1.parquet'}" in found.stderr
    with pytest.raises(InputError, match="features must be of one recognizer"):
        read_tracks(tmp_path)


def test_a_head_takes_the_tracks_of_its_recognizer_alone(tmp_path: Path) -> None:
    recipe = Recipe.paper(epochs=1, batch_size=8, head="linear")
    with pytest.raises(InputError, match="by 1111 in training and by 2222 in validation"):
        train(tracks_of("1111"), tracks_of("2222"), recipe=recipe)
    train(tracks_of("1111"), tracks_of(None), recipe=recipe).model.save(tmp_path / "head.safetensors")
    model = load_model(tmp_path / "head.safetensors")
    assert model.recognizer == "1111"
    model.embed_tracks(tracks_of("1111"))
    model.embed_tracks(tracks_of(None))
    with pytest.raises(InputError, match="by 1111 in the model and by 2222 in the tracks"):
        model.embed_tracks(tracks_of("2222"))
    old = EmbeddingModel(make_head("linear", 12), "linear", 1.0, 0.1)
    assert old.embed_tracks(tracks_of("2222")).shape == (24, 12)


def test_people_by_a_recognizer_without_a_threshold(tmp_path: Path, write_recognizer: Writer) -> None:
    path = write_recognizer()
    refused = run("people", clip_file(3), "-o", tmp_path / "people", "--recognizer", path)
    assert refused.exit_code == 1
    assert "nobody has measured where the people of" in refused.stderr
    assert not (tmp_path / "people").exists()
    path.with_suffix(".json").write_text('{"distance_threshold": 0.0001}')
    assert run("people", clip_file(3), "-o", tmp_path / "people", "--recognizer", path).exit_code == 0
    first = extract(clip_file(3), tmp_path / "a.parquet", options=ExtractionOptions(recognizer=str(path)))
    assert first.distance_threshold == 0.0001


def test_people_by_the_head_of_another_recognizer(tmp_path: Path, write_recognizer: Writer) -> None:
    head = EmbeddingModel(make_head("linear", 12), "linear", 1.0, 0.1, recognizer="1111")
    head.save(tmp_path / "head.safetensors")
    path = write_recognizer()
    found = run(
        "people", clip_file(3), "-o", tmp_path / "people", "--recognizer", path, "-m", tmp_path / "head.safetensors"
    )
    assert found.exit_code == 1
    assert "got those by 1111 in the model and by" in found.stderr
    assert not (tmp_path / "people").exists()
    head.recognizer = None
    head.save(tmp_path / "head.safetensors", force=True)
    found = run(
        "people", clip_file(3), "-o", tmp_path / "people", "--recognizer", path, "-m", tmp_path / "head.safetensors"
    )
    assert found.exit_code == 0, found.output
