"""A result as it was corrected by hand, and that no decision is lost when more tracks come."""

from __future__ import annotations

import numpy as np
import pytest

from bcl_fast.errors import InputError
from bcl_fast.results import apply_edits, cluster_tracks, name_clusters, read_result, update_result, write_result
from bcl_fast.tracks import Edits, MovedThreshold, Person, TrackSet
from tests.helpers.results import circle

# Clusters at 0.1: 0 = a b c, 1 = d e, 2 = f, 3 = g.
DEGREES = (0, 2, 4, 60, 62, 120, 180)
NAMES = "abcdefg"


def tracks(video="ep1", degrees=DEGREES, names=NAMES) -> TrackSet:
    return TrackSet.from_arrays(circle(*degrees), track_ids=list(names), video_ids=video)


def clustered(**options):
    return cluster_tracks(tracks(), tracks().features, 0.1, **options)


def person(names, name=None, video="ep1"):
    return Person(tuple((video, one) for one in names), name)


def partition(result):
    return result.cluster_ids.tolist()


def test_the_example():
    assert partition(clustered()) == [0, 0, 0, 1, 1, 2, 3]


def test_clusters_are_merged_split_and_moved():
    merged = apply_edits(clustered(), Edits((person("abcf", "Ann"),)))
    assert partition(merged) == [0, 0, 0, 1, 1, 0, 3]
    assert merged.names.tolist() == ["Ann"] * 3 + ["", "", "Ann", ""]
    assert merged.cluster_sizes.tolist() == [4, 4, 4, 2, 2, 4, 1]
    split = apply_edits(clustered(), Edits((person("ab"), person("c")), ((0, 1),)))
    assert partition(split) == [0, 0, 4, 1, 1, 2, 3]
    moved = apply_edits(clustered(), Edits((person("ab"), person("dec")), ((0, 1),)))
    assert partition(moved) == [0, 0, 1, 1, 1, 2, 3]
    assert moved.distances_to_centroid[0] == pytest.approx(np.sqrt(2 - 2 * np.cos(np.radians(1))), abs=1e-4)
    assert (moved.linkage, moved.distance_threshold) == ("complete", 0.1)


def test_tracks_of_which_nothing_is_said_follow_the_nearest():
    edits = Edits((person("a"), person("c")), ((0, 1),))
    near = tracks(degrees=(0, 3, 4, 60, 62, 120, 180))
    result = cluster_tracks(near, near.features, 0.1)
    assert partition(apply_edits(result, edits))[:3] == [4, 0, 0]


def test_what_is_no_face_is_in_no_cluster(tmp_path):
    edited = apply_edits(clustered(), Edits(not_a_face=(("ep1", "b"), ("ep1", "f"))))
    assert partition(edited) == [0, -1, 0, 1, 1, -1, 3]
    assert edited.not_a_face.tolist() == [False, True, False, False, False, True, False]
    assert edited.cluster_sizes.tolist() == [2, 0, 2, 2, 2, 0, 1]
    for name in ("r.parquet", "r.csv"):
        write_result(edited, tmp_path / name)
        assert read_result(tmp_path / name).not_a_face.tolist() == edited.not_a_face.tolist()
    again = apply_edits(edited, Edits((person("ab"),)))
    assert partition(again)[:3] == [0, 0, 0]
    assert again.not_a_face.tolist() == [False] * 5 + [True, False]


def test_a_result_with_a_face_that_is_none_is_refused(tmp_path):
    edited = apply_edits(clustered(), Edits(not_a_face=(("ep1", "b"),)))
    write_result(edited, tmp_path / "r.csv")
    text = (tmp_path / "r.csv").read_text().replace("b,ep1,-1", "b,ep1,0")
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(InputError, match=r"track 'b' of video 'ep1' in .* must be no face or in a cluster, got both"):
        read_result(tmp_path / "r.csv")


def test_the_threshold_moves_and_people_stay():
    moved = MovedThreshold(
        0.001, (tuple(("ep1", one) for one in "ab"), (("ep1", "c"),), (("ep1", "d"),), (("ep1", "e"),))
    )
    edited = apply_edits(clustered(), Edits((person("de", "Dan"),), threshold=moved))
    assert partition(edited) == [0, 0, 4, 1, 1, 2, 3]
    assert edited.distance_threshold == 0.001


def test_without_embeddings_the_same_clusters(tmp_path):
    write_result(clustered(), tmp_path / "r.csv")
    edits = Edits((person("ab"), person("dec", "Dan")), ((0, 1),), not_a_face=(("ep1", "f"),))
    edited = apply_edits(read_result(tmp_path / "r.csv"), edits)
    assert partition(edited) == partition(apply_edits(clustered(), edits)) == [0, 0, 1, 1, 1, -1, 3]
    assert np.isnan(edited.distances_to_centroid[:6]).all()
    assert not np.isnan(edited.distances_to_centroid[6])


def test_names_of_the_result_stay_and_may_be_changed():
    named = name_clusters(clustered(), {0: "Ann", 2: "Flo"})
    assert apply_edits(named, Edits((person("abc", "Anna"),))).names.tolist() == ["Anna"] * 3 + ["", "", "Flo", ""]
    assert apply_edits(named, Edits((person("ab"), person("c")), ((0, 1),))).names.tolist()[:3] == ["Ann", "Ann", ""]
    assert partition(apply_edits(named, Edits((person("de", "Flo"),)))) == [0, 0, 0, 1, 1, 1, 3]
    with pytest.raises(InputError, match="a person must have one name, got 'Ann' and 'Flo'"):
        apply_edits(named, Edits((person("abcf"),)))
    assert set(apply_edits(named, Edits((person("abcf", "Ann"),))).names) == {"Ann", ""}
    with pytest.raises(InputError, match="the edits say that 'Flo' and a person are two people, but a name"):
        apply_edits(named, Edits((person("de", "Flo"), person("f")), ((0, 1),)))


def test_the_smaller_part_may_keep_the_name_and_a_name_may_go():
    named = name_clusters(clustered(), {0: "Ann"})
    edited = apply_edits(named, Edits((person("bc"), person("a", "Ann")), ((0, 1),)))
    assert (partition(edited)[:3], edited.names.tolist()[:3]) == ([4, 0, 0], ["Ann", "", ""])
    assert set(apply_edits(named, Edits((person("abc", ""),))).names) == {""}


def test_edits_of_other_tracks():
    with pytest.raises(InputError, match="edits must be about tracks of the result, which has none of the 2 in these"):
        apply_edits(clustered(), Edits((person("xy"),)))
    with pytest.warns(UserWarning, match="the result lacks 1 track of the edits"):
        assert partition(apply_edits(clustered(), Edits((person("afx"),)))) == [0, 0, 0, 1, 1, 0, 3]


DECISIONS = Edits(
    (person("abf", "Ann"), person("c", "Cleo"), person("de")), ((0, 1), (0, 2)), not_a_face=(("ep1", "g"),)
)


def kept(result, is_second=False):
    """Whether a result of one or two episodes keeps to the decisions."""
    rows = {name: row for row, name in enumerate(result.track_ids.tolist()) if result.video_ids[row] == "ep1"}
    cluster = {name: int(result.cluster_ids[rows[name]]) for name in NAMES}
    assert cluster["a"] == cluster["b"] == cluster["f"] != cluster["c"]
    assert cluster["d"] == cluster["e"] != cluster["a"]
    assert (result.names[rows["a"]], result.names[rows["c"]]) == ("Ann", "Cleo")
    assert cluster["g"] == -1
    assert result.not_a_face[rows["g"]]
    assert int(result.not_a_face.sum()) == 1 + is_second
    return True


@pytest.mark.parametrize("linkage", ["complete", "average"])
@pytest.mark.parametrize("threshold", [1e-6, 0.1, 2.0, 5.0])
def test_decisions_hold_for_later_clusterings(linkage, threshold):
    result = cluster_tracks(tracks(), tracks().features, threshold, linkage=linkage, edits=DECISIONS)
    assert kept(result)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
@pytest.mark.parametrize("with_edits", [True, False])
def test_no_decision_is_lost_over_two_episodes(tmp_path, suffix, with_edits):
    write_result(apply_edits(clustered(), DECISIONS), tmp_path / f"one{suffix}")
    old = read_result(tmp_path / f"one{suffix}")
    second = tracks("ep2", (1, 61, 121, 180.1, 240), "uvwxy")
    both = TrackSet.from_arrays(
        np.concatenate([tracks().features, second.features]),
        track_ids=list(NAMES + "uvwxy"),
        video_ids=["ep1"] * 7 + ["ep2"] * 5,
    )
    given = both if suffix == ".csv" else second
    grown = update_result(old, given, given.features, 0.1, edits=DECISIONS if with_edits else None)
    assert kept(grown)
    assert grown.track_ids.tolist() == list(NAMES + "uvwxy")
    clusters = dict(zip(grown.track_ids, partition(grown), strict=True))
    assert clusters["x"] not in (-1, *(clusters[name] for name in NAMES))  # beside what is no face, and not with it
    assert [clusters[name] for name in "abcdef"] == [int(old.cluster_ids["abcdefg".index(name)]) for name in "abcdef"]
    write_result(grown, tmp_path / f"two{suffix}")
    later = Edits((Person((("ep2", "y"), ("ep1", "c"))),), not_a_face=(("ep2", "w"),))
    edited = apply_edits(read_result(tmp_path / f"two{suffix}"), later)
    assert kept(edited, is_second=True)
    assert edited.names[list(edited.track_ids).index("y")] == "Cleo"


def test_a_named_person_is_a_cluster_however_small():
    assert partition(clustered(min_cluster_size=3)) == [0, 0, 0, -1, -1, -1, -1]
    result = clustered(min_cluster_size=3, edits=Edits((person("g", "Zoe"), person("de", "Kim"), person("f"))))
    assert partition(result) == [0, 0, 0, 2, 2, -1, 1]  # who has no name is not decided to be somebody
    assert result.names.tolist() == ["", "", "", "Kim", "Kim", "", "Zoe"]
    assert result.cluster_sizes.tolist() == [3, 3, 3, 2, 2, 0, 1]
    assert np.isfinite(result.distances_to_centroid[[3, 4, 6]]).all()


def test_edits_about_new_tracks_hold_in_an_update():
    second = tracks("ep2", (100, 180.1, 240), "uvw")
    edits = Edits(
        (Person((("ep1", "a"), ("ep2", "u")), "Ann"), Person((("ep2", "w"),), "Will")), not_a_face=(("ep2", "v"),)
    )
    grown = update_result(clustered(), second, second.features, 0.1, edits=edits)
    assert partition(grown) == [0, 0, 0, 1, 1, 2, 3, 0, -1, 4]
    assert grown.names.tolist() == ["Ann"] * 3 + [""] * 4 + ["Ann", "", "Will"]
    assert grown.not_a_face.tolist() == [False] * 8 + [True, False]
    np.testing.assert_allclose(grown.embeddings[7:], second.features)
