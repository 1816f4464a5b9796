"""Small files of every kind that something reads, to be damaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from fuzz.our_files import write_our_files


def write_good_files(folder: Path) -> None:
    """Write a small file of every kind that something reads."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.feather
    import pyarrow.parquet as pq

    from bcl_fast.results import cluster_tracks, write_result
    from bcl_fast.tracks import Edits, MovedThreshold, Person, TrackSet, write_edits, write_tracks

    rng = np.random.default_rng(0)
    tracks = TrackSet.from_arrays(
        rng.standard_normal((40, 6)).astype(np.float32), np.arange(0, 41, 2), video_ids=["v"] * 10 + ["w"] * 10,
        labels=["Ann", "Bob", "", "Cy"] * 5, frames=np.arange(40), boxes=rng.random((40, 4)), images=["x.jpg"] * 40,
        track_ids=[*range(10), *range(10)],
    )  # fmt: skip
    write_tracks(tracks, folder / "tracks.parquet")
    write_tracks(tracks, folder / "tracks.npz")
    rows = pq.read_table(folder / "tracks.parquet")
    pq.write_table(rows, folder / "zstd.parquet", compression="zstd", row_group_size=7, data_page_size=64)
    pq.write_table(rows, folder / "delta.parquet", use_dictionary=False, data_page_version="2.0", compression="gzip")
    for name, compression in (("plain.arrow", "uncompressed"), ("lz4.feather", "lz4"), ("zstd.ipc", "zstd")):
        pyarrow.feather.write_feather(rows, folder / name, compression=compression, chunksize=16)
    numbers = {f"f{place}": pa.array(tracks.features[:, place]) for place in range(6)}
    wide = pa.table({**{name: rows[name] for name in rows.column_names if name != "embedding"}, **numbers})
    pyarrow.csv.write_csv(wide, folder / "wide.csv")
    text = rows.set_column(
        len(rows.column_names) - 1, "embedding", pa.array(map(json.dumps, rows["embedding"].to_pylist()))
    )
    pyarrow.csv.write_csv(text, folder / "text.tsv", pyarrow.csv.WriteOptions(delimiter="\t"))
    np.save(folder / "rows.npy", tracks.features)
    np.savez_compressed(
        folder / "rows.npz", features=tracks.features, track_id=np.arange(40) // 2, label=["a", "a", "b", "b"] * 10
    )
    points = tracks.mean_features()
    result = cluster_tracks(tracks, points / np.linalg.norm(points, axis=1, keepdims=True), 1.0)
    for suffix in ("parquet", "csv"):
        write_result(result, folder / f"result.{suffix}")
    write_our_files(folder, tracks, points)
    lines = ["track_a,video_a,track_b,video_b,link", *(f"{i},v,{i + 1},v,cannot" for i in range(5)), "1,v,3,w,must"]
    (folder / "pairs.csv").write_text("\n".join(lines))
    (folder / "names.csv").write_text("cluster_id,name\n0,Ann\n1,Bob\n")
    people = (Person((("v", "0"), ("w", "3")), "Ann"), Person((("v", "1"),)))
    threshold = MovedThreshold(0.5, ((("w", "4"), ("w", "5")),))
    write_edits(Edits(people, ((0, 1),), (("v", "2"),), threshold), folder / "edits.json")
    named = zip(tracks.video_ids, tracks.track_ids, range(20), strict=True)
    (folder / "labels.json").write_text(json.dumps([{"video": v, "track": t, "cluster": c} for v, t, c in named]))
    (folder / "labels.txt").write_text("\n".join(map(str, range(20))))
    (folder / "ids.ids").write_text("\n".join(["CVHCI_TRACKLABELS_V1", *(f"{number} Ann" for number in range(3))]))
