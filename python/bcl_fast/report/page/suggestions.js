// Questions, those first whose answer changes the most: are these two one person, is this cluster two people?

import { counted, element } from "./elements.js";
import { splitInTwo } from "./cut.js";

const SHOWN = 6; // faces of either side
const LOOSEST = 40; // clusters that are asked about

export class Suggestions {
  constructor(app) {
    this.app = app;
    this.element = document.getElementById("questions");
    this.skipped = new Set();
    const on = (id, listener) => document.getElementById(id).addEventListener("click", listener);
    on("answer-yes", () => this.answer("yes"));
    on("answer-no", () => this.answer("no"));
    on("answer-skip", () => this.answer("skip"));
    on("close-questions", () => this.element.close());
    this.element.addEventListener("keydown", (event) => {
      const answer = { y: "yes", n: "no", " ": "skip", s: "skip" }[event.key];
      if (
        answer === undefined ||
        event.ctrlKey ||
        event.metaKey ||
        (event.key === " " && event.target.tagName === "BUTTON")
      )
        return;
      event.preventDefault();
      this.answer(answer);
    });
  }

  open() {
    this.ask();
    this.element.showModal();
  }

  /** Questions that are open, by how many tracks an answer would move, and how likely it is. */
  queue() {
    return [...this.merges(), ...this.splits()].sort((a, b) => b.weight - a.weight);
  }

  merges() {
    const { data, decisions } = this.app;
    const seen = new Set(decisions.apart.map(({ labels }) => pairKey(labels)));
    const questions = [];
    const { one, other, height } = data.between;
    for (let i = 0; i < height.length; i++) {
      const labels = [decisions.label[one[i]], decisions.label[other[i]]];
      const key = pairKey(labels);
      if (labels[0] === labels[1] || labels.includes(-1) || seen.has(key) || this.skipped.has(key)) continue;
      seen.add(key);
      if (labels.every((label) => decisions.names.has(label))) continue;
      const sizes = labels.map((label) => decisions.clusters.get(label).length);
      const likely = (data.threshold / height[i]) ** 4;
      questions.push({ kind: "merge", key, labels, height: height[i], weight: Math.min(...sizes) * likely });
    }
    return questions;
  }

  splits() {
    const { data, decisions } = this.app;
    const top = new Map();
    const { one, other, height } = data.within;
    for (let i = 0; i < height.length; i++) {
      const label = decisions.label[one[i]];
      if (label === decisions.label[other[i]]) top.set(label, height[i]);
    }
    const loosest = [...top]
      .filter(([label]) => label >= 0 && !decisions.touched.has(label) && !this.skipped.has(`split ${label}`))
      .sort((a, b) => b[1] - a[1])
      .slice(0, LOOSEST);
    return loosest.map(([label, highest]) => {
      const size = decisions.clusters.get(label).length;
      return {
        kind: "split",
        key: `split ${label}`,
        label,
        height: highest,
        weight: (size / 4) * (highest / data.threshold) ** 4,
      };
    });
  }

  ask() {
    const open = this.queue();
    this.question = open[0] ?? null;
    const text = document.getElementById("question");
    const sides = document.getElementById("sides");
    const answers = document.getElementById("answers");
    document.getElementById("n-questions").textContent = counted(open.length, "question");
    sides.replaceChildren();
    answers.hidden = this.question === null;
    if (this.question === null) {
      text.textContent = "There is nothing to ask: no clusters near the threshold.";
      return;
    }
    const isMerge = this.question.kind === "merge";
    text.textContent = isMerge ? "One person?" : "Two people?";
    const { decisions } = this.app;
    const parts = isMerge
      ? this.question.labels.map((label) => [decisions.title(label), decisions.rowsOf(label)])
      : this.sidesOf(this.question.label).map((rows, place) => [
          `${decisions.title(this.question.label)}, side ${place + 1}`,
          rows,
        ]);
    sides.append(...parts.map(([title, rows]) => this.side(title, rows)));
  }

  sidesOf(label) {
    const found = splitInTwo(this.app.data, this.app.decisions.rowsOf(label));
    this.question.sides = found?.sides ?? [];
    return this.question.sides;
  }

  side(title, rows) {
    const tiles = rows.slice(0, SHOWN).map((row) => this.app.faces.tile(row));
    return element(
      "div",
      { class: "side" },
      element("h3", {}, title),
      element("p", { class: "about" }, counted(rows.length, "track")),
      element("div", { class: "faces" }, ...tiles),
    );
  }

  answer(answer) {
    const { question, app } = this;
    if (question === null) return;
    this.skipped.add(question.key);
    const isMerge = question.kind === "merge";
    if (answer === "yes" && isMerge) app.merge(question.labels);
    if (answer === "no" && isMerge) app.keepApart(question.labels);
    if (answer === "yes" && !isMerge) app.split(question.label, smaller(question.sides));
    if (answer === "no" && !isMerge) app.confirm(question.label);
    this.ask();
  }
}

function smaller([one, other]) {
  return one.length < other.length ? one : other;
}

function pairKey(labels) {
  return [...labels].sort((a, b) => a - b).join(" ");
}
