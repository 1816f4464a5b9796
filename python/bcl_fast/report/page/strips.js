// When the people of a cluster are on screen, and how wide they spread against the ball.

import { counted, drawing, element } from "./elements.js";
import { framesOf, timeText } from "./data.js";

const BINS = 240;

/** Where each video begins on a line through all of them, and how long that line is. */
export function timeline(data) {
  if (data.first === null) return null;
  const lengths = new Float64Array(data.videos.length);
  for (let row = 0; row < data.size; row++) {
    lengths[data.video[row]] = Math.max(lengths[data.video[row]], data.last[row] + 1);
  }
  const starts = [];
  let end = 0;
  for (const length of lengths) {
    starts.push(end);
    end += length;
  }
  return { starts, end };
}

export function strip(data, line, rows) {
  const filled = new Uint8Array(BINS);
  const bin = (row, frame) =>
    Math.min(BINS - 1, Math.floor(((line.starts[data.video[row]] + frame) / line.end) * BINS));
  for (const row of rows) {
    if (data.first[row] >= 0) filled.fill(1, bin(row, data.first[row]), bin(row, data.last[row]) + 1);
  }
  let path = "";
  for (let from = 0; from < BINS; from++) {
    if (!filled[from]) continue;
    let to = from;
    while (to < BINS && filled[to]) to++;
    path += `M${from} 0H${to}V10H${from}Z`;
    from = to;
  }
  const ticks = line.starts
    .slice(1)
    .map((start) => `M${((start / line.end) * BINS).toFixed(1)} 0V10`)
    .join("");
  return drawing(
    "svg",
    {
      class: "strip",
      viewBox: `0 0 ${BINS} 10`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": stripWords(data, rows),
    },
    drawing("path", { d: path, class: "on" }),
    drawing("path", { d: ticks, class: "tick" }),
  );
}

function stripWords(data, rows) {
  const videos = [...new Set(rows.map((row) => data.video[row]))];
  const names = videos.slice(0, 3).map((video) => data.videos[video]);
  const more = videos.length > 3 ? ` and ${videos.length - 3} more` : "";
  return `on screen in ${names.join(", ")}${more}`;
}

export function screenTime(data, rows) {
  const frames = rows.reduce((sum, row) => sum + framesOf(data, row), 0);
  if (data.first === null) return frames ? counted(frames, "face") : "";
  return `${timeText(data, frames)} on screen`;
}

/** A bar: how far tracks lie from the middle, the farthest and the median, and a mark at the radius of the ball. */
export function spread(data, rows) {
  const distances = rows.map((row) => data.distance[row]).filter((distance) => !Number.isNaN(distance));
  if (distances.length < 2 || !(data.radius > 0)) return null;
  distances.sort((a, b) => a - b);
  const share = (distance) => Math.min(1, distance / (2 * data.radius)) * 100;
  const [median, farthest] = [distances[distances.length >> 1], distances.at(-1)];
  const ends = `median ${median.toFixed(2)}, farthest ${farthest.toFixed(2)}`;
  const words = `spread: ${ends}; the ball has radius ${data.radius.toFixed(2)}`;
  return element(
    "span",
    { class: "spread", title: words },
    drawing(
      "svg",
      { viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": words },
      drawing("rect", {
        x: 0,
        y: 2,
        width: share(farthest),
        height: 4,
        class: farthest > data.radius ? "wide" : "far",
      }),
      drawing("rect", { x: 0, y: 2, width: share(median), height: 4, class: "near" }),
      drawing("rect", { x: 49.5, y: 0, width: 1, height: 8, class: "ball" }),
    ),
  );
}
