// Decisions as a file of edits, which the commands read, and back.

import { clustersOf, cut } from "./cut.js";
import { KINDS } from "./decisions.js";
import { rowIndex } from "./data.js";

/** Tracks by video as JSON, in their order: an object would put numbers first, and drop "__proto__". */
function objectText(data, rows) {
  const videos = new Map();
  for (const row of rows) {
    const video = data.videos[data.video[row]];
    if (!videos.has(video)) videos.set(video, []);
    videos.get(video).push(data.trackIds[row]);
  }
  const parts = [...videos].map(([video, tracks]) => `${JSON.stringify(video)}:${JSON.stringify(tracks)}`);
  return `{${parts.join(",")}}`;
}

/** What is decided, as text in the format of a file of edits. */
export function editsText(decisions, { withHistory = true } = {}) {
  const { data } = decisions;
  const spokenOf = new Set([...decisions.touched, ...heirs(decisions)]);
  const labels = [...spokenOf].filter((label) => decisions.clusters.has(label)).sort((a, b) => a - b);
  const hadName = new Set(data.names.map(([row]) => data.cluster[row]));
  const place = new Map(labels.map((label, number) => [label, number]));
  const people = labels.map((label) => {
    const rows = [...decisions.rowsOf(label)].sort((a, b) => a - b);
    const name = decisions.names.get(label) ?? (rows.some((row) => hadName.has(data.cluster[row])) ? "" : undefined);
    const named = name === undefined ? "" : `"name":${JSON.stringify(name)},`;
    return `{${named}"tracks":${objectText(data, rows)}}`;
  });
  const apart = decisions.apart
    .map(({ labels: pair }) => pair.map((label) => place.get(label)).sort((a, b) => a - b))
    .filter(([one, other]) => one !== undefined && other !== undefined && one !== other);
  const noFaces = Array.from(decisions.noFace.keys()).filter((row) => decisions.noFace[row]);
  const parts = ['"format":"bcl_fast.edits"', '"version":1'];
  if (people.length) parts.push(`"people":[${people.join(",")}]`);
  if (apart.length)
    parts.push(`"apart":${JSON.stringify([...new Set(apart.map(String))].map((pair) => pair.split(",").map(Number)))}`);
  if (noFaces.length) parts.push(`"not_a_face":${objectText(data, noFaces)}`);
  if (decisions.threshold !== data.threshold) parts.push(`"threshold":${thresholdText(decisions)}`);
  const { done, undone } = decisions;
  if (withHistory && done.length + undone.length) {
    parts.push(`"history":${JSON.stringify({ checksum: data.checksum, done, undone })}`);
  }
  return `{${parts.join(",\n")}}\n`;
}

/** Parts of clusters of the result that have names: where one has changed, the file says who keeps its name. */
function heirs(decisions) {
  const { cluster } = decisions.data;
  return decisions.data.names.flatMap(([first, name]) => {
    const label = decisions.labelNamed(name);
    const rows = Array.from(cluster.keys()).filter((row) => cluster[row] === cluster[first]);
    if (label === null) return decisions.labelsOf(rows);
    return decisions.clusters.get(label).length === rows.length ? [] : [label];
  });
}

/** Where the slider stands, and the clusters that it made or changed. */
function thresholdText(decisions) {
  const { data } = decisions;
  const apart = decisions.done.filter(({ kind }) => kind === "apart").map(({ rows }) => rows);
  const before = clustersOf(data);
  const after = cut(data, decisions.threshold, apart);
  const changed = new Set();
  const [pairOfBefore, pairOfAfter] = [new Map(), new Map()];
  for (let row = 0; row < data.size; row++) {
    if (after[row] < 0) continue;
    for (const [pairs, one, other] of [
      [pairOfBefore, before[row], after[row]],
      [pairOfAfter, after[row], before[row]],
    ]) {
      if (!pairs.has(one)) pairs.set(one, other);
    }
    if (pairOfBefore.get(before[row]) !== after[row] || pairOfAfter.get(after[row]) !== before[row]) {
      changed.add(after[row]).add(pairOfBefore.get(before[row]));
    }
  }
  const groups = new Map();
  for (let row = 0; row < data.size; row++) {
    if (!changed.has(after[row])) continue;
    if (!groups.has(after[row])) groups.set(after[row], []);
    groups.get(after[row]).push(row);
  }
  const clusters = [...groups.values()].map((rows) => objectText(data, rows));
  return `{"distance_threshold":${JSON.stringify(decisions.threshold)},"clusters":[${clusters.join(",")}]}`;
}

/** Take a file of edits over; returns how many of its tracks are not here, or throws with a sentence. */
export function loadEdits(decisions, text) {
  let edits;
  try {
    edits = JSON.parse(text);
  } catch {
    throw new Error("The file is not JSON.");
  }
  if (edits?.format !== "bcl_fast.edits" || edits.version !== 1)
    throw new Error("The file is not one of edits, version 1.");
  const before = [decisions.done, decisions.undone];
  const { history } = edits;
  if (history?.checksum === decisions.data.checksum && isHistory(decisions.data, history)) {
    decisions.load(history.done, history.undone);
    if (canonical(JSON.parse(editsText(decisions))) === canonical(edits)) return 0;
  }
  try {
    return loadPeople(decisions, edits);
  } catch (error) {
    decisions.load(...before);
    throw error;
  }
}

function isHistory(data, history) {
  const isRow = (row) => Number.isInteger(row) && row >= 0 && row < data.size;
  const isRows = (rows) => Array.isArray(rows) && rows.length > 0 && rows.every(isRow);
  const isDecision = (decision) => {
    if (!KINDS.has(decision?.kind)) return false;
    if (decision.kind === "threshold") return Number.isFinite(decision.value) && decision.value >= 0;
    if (decision.kind === "people") return decision.people.every(({ rows }) => isRows(rows));
    const ends = [decision.from, decision.to].filter((row) => row !== undefined);
    const name = decision.name ?? "";
    return isRows(decision.rows) && ends.every(isRow) && typeof name === "string";
  };
  return [history.done, history.undone].every((part) => Array.isArray(part) && part.every(isDecision));
}

/** Edits in one order, without what only the page reads: equal texts for equal decisions. */
function canonical(edits) {
  const tracks = (videos) =>
    Object.entries(videos ?? {})
      .flatMap(([video, names]) => names.map((name) => `${video}\u0000${name}`))
      .sort();
  const people = (edits.people ?? []).map((person) => JSON.stringify([person.name ?? null, tracks(person.tracks)]));
  const apart = (edits.apart ?? []).map((pair) => JSON.stringify(pair.map((place) => people[place]).sort()));
  const { distance_threshold: threshold = null } = edits.threshold ?? {};
  return JSON.stringify([people.slice().sort(), apart.sort(), tracks(edits.not_a_face), threshold]);
}

function loadPeople(decisions, edits) {
  const index = rowIndex(decisions.data);
  let missing = 0;
  const rowsOf = (videos) =>
    Object.entries(videos ?? {}).flatMap(([video, names]) =>
      names.flatMap((name) => {
        const row = index.get(video)?.get(name);
        if (row === undefined) missing += 1;
        return row === undefined ? [] : [row];
      }),
    );
  const done = [];
  if (edits.threshold) done.push({ kind: "threshold", value: edits.threshold.distance_threshold });
  const people = (edits.people ?? []).map(({ name, tracks }) => ({ rows: rowsOf(tracks), name }));
  const known = people.filter(({ rows }) => rows.length);
  if (known.length) done.push({ kind: "people", people: known });
  for (const [one, other] of edits.apart ?? []) {
    const rows = [people[one]?.rows[0], people[other]?.rows[0]];
    if (rows.every((row) => row !== undefined)) done.push({ kind: "apart", rows });
  }
  const noFaces = rowsOf(edits.not_a_face);
  if (noFaces.length) done.push({ kind: "noFace", rows: noFaces });
  decisions.load(done, []);
  return missing;
}
