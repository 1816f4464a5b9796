"""The page at 50,000 tracks in headless Chromium: when the first card is there, memory of the tab, scrolling, edits.

``python -m bench.studies.page_at_scale 50000`` makes tracks with pictures, clusters them, writes the page, and prints
what was measured as a table. Chromium must be installed.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bcl_fast.report import Report, write_report
from bcl_fast.results import ClusteringResult, cluster_tracks
from bcl_fast.tracks import TrackPairs, TrackSet

THRESHOLD, N_FEATURES, NOISE = 0.8, 64, 0.07
FRAMES = 300
_SCROLL = """async frames => {
  const times = []; let last = performance.now();
  for (let step = 0; step < frames; step++) {
    window.scrollBy(0, 60);
    await new Promise(requestAnimationFrame);
    const now = performance.now(); times.push(now - last); last = now;
  }
  times.sort((a, b) => a - b);
  return [times[frames / 2], times[Math.floor(frames * 0.95)]];
}"""
_SLIDE = """async () => {
  const range = document.getElementById("threshold"), times = [];
  for (const value of [480, 300, 560, 900, 500]) {
    const start = performance.now();
    range.value = value; range.dispatchEvent(new Event("input", {bubbles: true}));
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    times.push(performance.now() - start);
  }
  return Math.max(...times);
}"""
_NAME = """async () => {
  const field = document.querySelector("input.name"), start = performance.now();
  field.value = "Ann"; field.dispatchEvent(new Event("change"));
  await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""


def film(folder: Path, n_tracks: int) -> tuple[TrackSet, ClusteringResult]:
    """Tracks of people with long-tailed numbers of appearances, each with a picture of noise in its person's colour."""
    from PIL import Image

    rng = np.random.default_rng(0)
    n_people = max(3, n_tracks // 20)
    shares = 1 / np.arange(1, n_people + 1) ** 0.8
    who = rng.choice(n_people, size=n_tracks, p=shares / shares.sum())
    centres = rng.normal(size=(n_people, N_FEATURES))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    points = centres[who] + rng.normal(size=(n_tracks, N_FEATURES)) * NOISE
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    colours = rng.integers(40, 220, (n_people, 3))
    for track, person in enumerate(who.tolist()):
        pixels = np.clip(colours[person] + rng.normal(0, 20, (96, 96, 3)), 0, 255).astype(np.uint8)
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, "JPEG", quality=70)
        (folder / f"{track}.jpg").write_bytes(content.getvalue())
    tracks = TrackSet.from_arrays(
        points,
        video_ids=[f"episode{1 + track * 8 // n_tracks}" for track in range(n_tracks)],
        frames=np.sort(rng.integers(0, 60_000, n_tracks)),
        images=[f"{track}.jpg" for track in range(n_tracks)],
    )
    return tracks, cluster_tracks(tracks, points, THRESHOLD)


def measure(page_file: Path) -> list[tuple[str, str]]:
    """Open the page and return what was measured, as pairs of a text and a value."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        raise SystemExit("there is no chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        start = time.perf_counter()
        page.goto(page_file.as_uri(), wait_until="commit")
        page.wait_for_selector("#cards .card")
        rows = [("first card", f"{time.perf_counter() - start:.2f} s")]
        page.wait_for_load_state("load")
        rows.append(("all read", f"{time.perf_counter() - start:.2f} s"))
        rows.append(("memory of the tab", _tab_memory(page)))
        before = _tab().cpu_times()
        median, most = page.evaluate(_SCROLL, FRAMES)
        busy = sum(_tab().cpu_times()[:2]) - sum(before[:2])
        rows.append(("frame while scrolling, median and 95 %", f"{median:.0f} and {most:.0f} ms"))
        rows.append(("processor time of the tab per frame", f"{busy / FRAMES * 1e3:.1f} ms"))
        rows.append(("memory of the tab after it", _tab_memory(page)))
        rows.append(("the slider moves, longest", f"{page.evaluate(_SLIDE):.0f} ms"))
        rows.append(("a name", f"{page.evaluate(_NAME):.0f} ms"))
        browser.close()
    return rows


def _tab_memory(page: Any) -> str:
    """Resident memory after a collection of garbage."""
    page.context.new_cdp_session(page).send("HeapProfiler.collectGarbage")
    return f"{_tab().memory_info().rss / 1e6:.0f} MB"


def _tab() -> psutil.Process:
    """Return the largest renderer that this process has started."""
    children = psutil.Process().children(recursive=True)
    tabs = [child for child in children if "--type=renderer" in child.cmdline()]
    return max(tabs, key=lambda child: child.memory_info().rss)


def main() -> None:
    """Make the page and print the table."""
    n_tracks = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory(prefix="bcl-page-") as name:
        folder = Path(name)
        tracks, result = film(folder, n_tracks)
        start = time.perf_counter()
        notes = write_report(Report(result, tracks, TrackPairs(), folder, 25.0, "film"), folder / "page.html")
        made = time.perf_counter() - start
        size = (folder / "page.html").stat().st_size / 1e6
        rows = [("tracks, clusters", f"{result.n_tracks:,}, {result.n_clusters:,}"), ("written in", f"{made:.0f} s")]
        rows += [("size", f"{size:.1f} MB; {'; '.join(notes) or 'all pictures'}"), *measure(folder / "page.html")]
    for text, value in rows:
        print(f"| {text} | {value} |")


if __name__ == "__main__":
    main()
