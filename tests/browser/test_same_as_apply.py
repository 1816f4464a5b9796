"""The clusters of the page are those that apply makes of its edits, whatever is decided and in whatever order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import bcl_fast.report
from bcl_fast.report._dendrogram import dendrogram_of
from bcl_fast.report._page_data import page_data
from bcl_fast.results import apply_edits, cluster_tracks, name_clusters
from bcl_fast.tracks import TrackSet
from bcl_fast.tracks._edit_files import parse_edits

MODULES = Path(bcl_fast.report.__file__).parent / "page"
N_TRACKS, THRESHOLD, N_DECISIONS = 50, 0.5, 14

# Decides at random, as the page would let a user; returns the clusters, their names, and the edits.
DECIDE = """async ([given, seed, count]) => {
  const { readData } = await import("/data.js");
  const { Decisions } = await import("/decisions.js");
  const { editsText, loadEdits } = await import("/edits.js");
  const data = readData(given);
  const decisions = new Decisions(data);
  let state = seed + 1;
  const random = below => { state = (state * 48271) % 2147483647; return state % below; };
  const some = rows => { const part = rows.filter(() => random(3) === 0); return part.length ? part : [rows[0]]; };
  const refused = [];
  for (let number = 0; number < count; number++) {
    const labels = [...decisions.clusters.keys()];
    const [one, other] = [labels[random(labels.length)], labels[random(labels.length)]];
    const rows = decisions.rowsOf(one), others = decisions.rowsOf(other), part = some(rows);
    const name = "N" + random(4);
    const decision = [
      () => ({ kind: "merge", rows: [...rows, ...others] }),
      () => ({ kind: "name", rows, name }),
      () => ({ kind: "split", rows: part, from: rows.find(row => !part.includes(row)) }),
      () => ({ kind: "move", rows: part, to: others[0] }),
      () => ({ kind: "noFace", rows: part }),
      () => ({ kind: "apart", rows: [rows[0], others[0]] }),
      () => ({ kind: "one", rows }),
      () => ({ kind: "threshold", value: data.threshold * (0.25 + random(176) / 100) }),
    ][random(8)]();
    if (decision.from === undefined && decision.kind === "split") continue;
    if (one === other && ["merge", "move", "apart"].includes(decision.kind)) continue;
    const names = [...new Set([one, other].map(label => decisions.names.get(label)).filter(Boolean))];
    if (decision.kind === "merge" && names.length) decision.name = names[0];
    if (decision.kind === "name" && (decisions.labelNamed(name) ?? one) !== one) continue;  // the page would merge
    const why = decisions.make(decision);
    if (why !== null) refused.push(why);
  }
  const namesOf = from => [...from.label].map(label => from.names.get(label) ?? "");
  const outcome = from => ({ labels: [...from.label], names: namesOf(from) });
  const again = new Decisions(data), bare = new Decisions(data);
  loadEdits(again, editsText(decisions));
  loadEdits(bare, editsText(decisions, { withHistory: false }));
  const before = outcome(decisions);
  while (decisions.undo() !== null);
  const edits = editsText(again), undone = outcome(decisions);
  return { before, again: outcome(again), bare: outcome(bare), edits, refused, undone };
}"""


@pytest.fixture(scope="module")
def modules(browser):
    page = browser.new_context().new_page()

    def fulfil(route):
        name = route.request.url.rsplit("/", 1)[1]
        if name.endswith(".js"):
            route.fulfill(path=MODULES / name, content_type="text/javascript")
        else:
            route.fulfill(body="<!DOCTYPE html>", content_type="text/html")

    page.route("http://modules.test/**", fulfil)
    page.goto("http://modules.test/")
    yield page
    page.context.close()


def partition(labels, names):
    groups: dict[int, list[int]] = {}
    for row, label in enumerate(labels):
        if label >= 0:
            groups.setdefault(label, []).append(row)
    return {(tuple(rows), names[rows[0]]) for rows in groups.values()}


@pytest.mark.parametrize("seed", range(60))
def test_apply_makes_the_clusters_of_the_page(modules, seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(N_TRACKS, 3)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    tracks = TrackSet.from_arrays(points, video_ids=["ep1", "ep2"] * (N_TRACKS // 2))
    linkage = ("complete", "average")[seed % 2]
    result = name_clusters(cluster_tracks(tracks, points, THRESHOLD, linkage=linkage), {0: "Ann", 2: "Bob"})
    data = {**page_data(result, tracks, dendrogram_of(result), frames_per_second=None), "edits": None}
    found = modules.evaluate(DECIDE, [json.dumps(data), seed, N_DECISIONS])
    edited = apply_edits(result, parse_edits(found["edits"], "the page"))
    wanted = partition(**found["before"])
    assert partition(edited.cluster_ids.tolist(), edited.names.tolist()) == wanted
    assert partition(**found["again"]) == wanted
    assert partition(**found["bare"]) == wanted
    assert partition(**found["undone"]) == partition(result.cluster_ids.tolist(), result.names.tolist())
    assert all("Undo that first." in why for why in found["refused"])
