// What the user decided, one after the other, and the clusters that this comes to.
//
// A decision holds all rows that it is about, so that it means the same at every place of the slider. Clusters are
// known by labels: the first row of one, or a number from `size` on for one that a decision made.

import { cut } from "./cut.js";

export class Decisions {
  constructor(data) {
    this.data = data;
    this.done = [];
    this.undone = [];
    this.preview = null; // a threshold while the slider moves
    this.order = byDistance(data);
    this.replay();
  }

  /** Add a decision; returns why it cannot be made, or null. */
  make(decision) {
    const why = contradiction(this, decision);
    if (why !== null) return why;
    this.done.push(decision);
    this.undone = [];
    this.replay();
    return null;
  }

  undo() {
    if (this.done.length === 0) return null;
    const decision = this.done.pop();
    this.undone.push(decision);
    this.replay();
    return decision;
  }

  redo() {
    if (this.undone.length === 0) return null;
    const decision = this.undone.pop();
    this.done.push(decision);
    this.replay();
    return decision;
  }

  load(done, undone) {
    this.done = done;
    this.undone = undone;
    this.replay();
  }

  get threshold() {
    const moved = this.done.findLast((decision) => decision.kind === "threshold");
    return this.preview ?? moved?.value ?? this.data.threshold;
  }

  replay() {
    const { data } = this;
    const apart = this.done.filter(({ kind }) => kind === "apart").map(({ rows }) => rows);
    this.label = cut(data, this.threshold, apart);
    this.noFace = Uint8Array.from(data.noFace);
    this.names = new Map();
    this.touched = new Set();
    this.apart = []; // of labels, with the place of the decision that says so
    for (const [row, name] of data.names) this.names.set(this.heir(row), name);
    this.done.forEach((decision, place) => APPLY[decision.kind](this, decision, place));
    this.members = null;
    this.uniteNamesakes();
  }

  /** Two clusters that were named alike at different places of the slider are one person at all of them. */
  uniteNamesakes() {
    const first = new Map();
    for (const [label, name] of this.names) {
      if (!this.clusters.has(label)) continue;
      const other = first.get(name) ?? label;
      first.set(name, other);
      const isApart = this.apart.some(({ labels }) => labels.includes(label) && labels.includes(other));
      if (other === label || isApart || !(this.touched.has(label) || this.touched.has(other))) continue;
      first.set(name, unite(this, [...this.clusters.get(label), ...this.clusters.get(other)]));
      this.members = null;
    }
  }

  /** Of the clusters that one of the result has become, the one that has most of it: it keeps the name. */
  heir(row) {
    const counts = new Map();
    const { cluster } = this.data;
    for (let other = 0; other < cluster.length; other++) {
      if (cluster[other] !== cluster[row]) continue;
      counts.set(this.label[other], (counts.get(this.label[other]) ?? 0) + 1);
    }
    return [...counts].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
  }

  /** Rows of each cluster, the most central first. */
  get clusters() {
    if (this.members !== null) return this.members;
    const members = new Map();
    for (const row of this.order) {
      const label = this.label[row];
      if (label < 0) continue;
      if (members.has(label)) members.get(label).push(row);
      else members.set(label, [row]);
    }
    this.members = members;
    return members;
  }

  rowsOf(label) {
    if (label < 0) return Array.from(this.label.keys()).filter((row) => this.label[row] < 0);
    return this.clusters.get(label) ?? [];
  }

  /** What a cluster is called: its name, or its number in the result. */
  title(label) {
    if (label < 0) return "In no cluster";
    if (this.names.has(label)) return this.names.get(label);
    if (label < this.data.size) {
      const first = this.data.cluster[label];
      return first < 0 ? `Track ${this.data.trackIds[label]}` : `Cluster ${first}`;
    }
    return `New cluster ${label - this.data.size + 1}`;
  }

  labelNamed(name) {
    for (const [label, known] of this.names) if (known === name && this.clusters.has(label)) return label;
    return null;
  }

  labelsOf(rows) {
    return [...new Set(rows.map((row) => this.label[row]))].filter((label) => label >= 0);
  }
}

/** All rows, the most central first: the rows of every cluster, put into it in this order, are in it. */
function byDistance({ size, distance }) {
  const far = Float64Array.from(distance, (value) => (Number.isNaN(value) ? Infinity : value));
  return Int32Array.from({ length: size }, (_, row) => row).sort((a, b) =>
    far[a] === far[b] ? a - b : far[a] - far[b],
  );
}

/** Put all clusters of some rows into one, and rows that are in none too; returns its label. */
function unite(state, rows) {
  const labels = state.labelsOf(rows);
  const target = labels.reduce((best, label) => Math.min(best, label), labels[0] ?? rows[0]);
  const others = new Set(labels);
  for (let row = 0; row < state.label.length; row++) if (others.has(state.label[row])) state.label[row] = target;
  assign(state, rows, target);
  const name = labels.map((label) => state.names.get(label)).find((known) => known !== undefined);
  for (const label of labels) {
    if (label === target) continue;
    state.names.delete(label);
    state.touched.delete(label);
  }
  if (name !== undefined) state.names.set(target, name);
  for (const pair of state.apart) pair.labels = pair.labels.map((label) => (others.has(label) ? target : label));
  state.touched.add(target);
  return target;
}

function assign(state, rows, label) {
  for (const row of rows) {
    state.label[row] = label;
    state.noFace[row] = 0;
  }
}

/** Give rows another cluster; those that they leave are said to be what is left of them. */
function takeOut(state, rows, label) {
  for (const old of state.labelsOf(rows)) state.touched.add(old);
  assign(state, rows, label);
  state.touched.add(label);
}

function keepApart(state, one, other, place) {
  if (one < 0 || other < 0 || one === other) return;
  for (const label of [one, other]) state.touched.add(label);
  state.apart.push({ labels: [one, other], place });
}

const APPLY = {
  threshold() {},
  name(state, { rows, name }) {
    const label = unite(state, rows);
    if (name === "") state.names.delete(label);
    else state.names.set(label, name);
  },
  merge(state, { rows, name }) {
    const label = unite(state, rows);
    if (name) state.names.set(label, name);
  },
  one(state, { rows }) {
    unite(state, rows);
  },
  split(state, { rows, from }, place) {
    const old = state.label[from];
    const label = state.data.size + place;
    takeOut(state, rows, label);
    keepApart(state, old, label, place);
  },
  move(state, { rows, to }, place) {
    const old = state.label[rows[0]];
    const label = state.label[to];
    takeOut(state, rows, label);
    keepApart(state, old, label, place);
  },
  noFace(state, { rows }) {
    for (const row of rows) {
      state.label[row] = -1;
      state.noFace[row] = 1;
    }
  },
  apart(state, { rows }, place) {
    keepApart(state, state.label[rows[0]], state.label[rows[1]], place);
  },
  people(state, { people }) {
    applyPeople(state, people);
  },
};

/** People as a file lists them: their rows are clusters, and what shared a cluster with them follows the most. */
function applyPeople(state, people) {
  const before = Int32Array.from(state.label);
  const named = new Set(state.data.names.map(([row]) => state.data.cluster[row]));
  const parts = new Map();
  people.forEach(({ rows, name }, number) => {
    const largest = mostOf(rows.map((row) => before[row]));
    const isFree = largest >= 0 && !people.slice(0, number).some((person) => person.label === largest);
    const label = isFree ? largest : state.data.size * 2 + number;
    people[number].label = label;
    for (const row of rows) {
      const counts = parts.get(before[row]) ?? parts.set(before[row], new Map()).get(before[row]);
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    state.touched.add(label);
    if (name) state.names.set(label, name);
    const hadName = rows.some((row) => named.has(state.data.cluster[row]));
    if (name === "" || (name === undefined && !hadName)) state.names.delete(label);
  });
  for (let row = 0; row < before.length; row++) {
    const counts = before[row] < 0 ? undefined : parts.get(before[row]);
    if (counts !== undefined) state.label[row] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
  }
  for (const { rows, label } of people) assign(state, rows, label);
}

function mostOf(labels) {
  const counts = new Map();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}

/** Why a decision cannot be made beside those made before: a sentence that names both, or null. */
function contradiction(state, decision) {
  if (!["merge", "name", "one"].includes(decision.kind)) return null;
  const labels = new Set(state.labelsOf(decision.rows));
  const found = state.apart.find(({ labels: pair }) => pair.every((label) => labels.has(label)));
  if (found === undefined) return null;
  const [one, other] = found.labels.map((label) => `“${state.title(label)}”`);
  const earlier = describe(state.done[found.place]);
  const reason = `decision ${found.place + 1} (${earlier}) says that they are two`;
  return `${one} and ${other} cannot be one person: ${reason}. Undo that first.`;
}

/** A decision in words. */
export function describe(decision) {
  const tracks = (rows) => (rows.length === 1 ? "1 track" : `${rows.length} tracks`);
  const WORDS = {
    threshold: () => `threshold ${decision.value.toPrecision(4)}`,
    name: () => (decision.name ? `name “${decision.name}”` : "name taken away"),
    merge: () => (decision.name ? `merge into “${decision.name}”` : `merge of ${tracks(decision.rows)}`),
    one: () => "one person",
    split: () => `split off ${tracks(decision.rows)}`,
    move: () => `move ${tracks(decision.rows)}`,
    noFace: () => `${tracks(decision.rows)}: not a face`,
    apart: () => "two people",
    people: () => "edits of a file",
  };
  return WORDS[decision.kind]();
}

export const KINDS = new Set(Object.keys(APPLY));
