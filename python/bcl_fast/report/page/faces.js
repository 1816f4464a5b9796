// Pictures of tracks, loaded as they come near the window; a coloured tile stands for a track without one.

import { element } from "./elements.js";
import { timeText } from "./data.js";

export class Faces {
  constructor(data) {
    this.data = data;
    this.chunks = new Map();
    this.chunkOf =
      data.pictures.kind === "inside" ? new Map(data.pictures.rows.map(([row, chunk]) => [row, chunk])) : null;
    this.observer = new IntersectionObserver((entries) => this.load(entries), { rootMargin: "400px" });
    document.addEventListener("DOMContentLoaded", () => this.retry());
    this.waiting = new Set();
  }

  /** A tile of a track; `isRim` marks one that is far from the others of its cluster. */
  tile(row, { isRim = false } = {}) {
    const tile = element("span", {
      class: isRim ? "face rim" : "face",
      title: this.words(row) + (isRim ? ", doubtful" : ""),
    });
    tile.style.setProperty("--hue", `${(this.data.hue[row] * 360) / 256}deg`);
    tile.dataset.row = row;
    if (this.has(row)) this.observer.observe(tile);
    if (isRim) tile.append(element("span", { class: "mark", "aria-hidden": "true" }, "?"));
    return tile;
  }

  words(row) {
    const { data } = this;
    const time = data.first === null || data.first[row] < 0 ? "" : `, from ${timeText(data, data.first[row])}`;
    return `track ${data.trackIds[row]} of ${data.videos[data.video[row]]}${time}`;
  }

  has(row) {
    return this.chunkOf === null ? this.data.pictures.kind === "served" : this.chunkOf.has(row);
  }

  load(entries) {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      this.observer.unobserve(target);
      this.show(target);
    }
  }

  show(tile) {
    const source = this.source(Number(tile.dataset.row));
    if (source === null) {
      this.waiting.add(tile);
      return;
    }
    const picture = element("img", { alt: "", decoding: "async", src: source });
    picture.addEventListener("error", () => picture.remove());
    tile.prepend(picture);
  }

  /** Show what was asked for before the whole file was read. */
  retry() {
    const tiles = [...this.waiting];
    this.waiting.clear();
    for (const tile of tiles) if (tile.isConnected) this.show(tile);
  }

  source(row) {
    if (this.chunkOf === null) return `thumb/${row}`;
    const chunk = this.chunkOf.get(row);
    if (!this.chunks.has(chunk)) {
      const held = document.getElementById(`pictures-${chunk}`);
      if (held === null) return null;
      this.chunks.set(
        chunk,
        new Map(
          held.textContent
            .trim()
            .split("\n")
            .map((line) => line.trim().split(" ")),
        ),
      );
    }
    const picture = this.chunks.get(chunk).get(String(row));
    return picture === undefined ? null : `data:image/jpeg;base64,${picture}`;
  }
}
