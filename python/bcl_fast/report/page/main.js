// The page: what users do becomes decisions, and these are shown and saved.

import { Cards } from "./cards.js";
import { readData } from "./data.js";
import { Decisions, describe } from "./decisions.js";
import { ClusterDialog } from "./dialog.js";
import { editsText, loadEdits } from "./edits.js";
import { counted, element, say } from "./elements.js";
import { Faces } from "./faces.js";
import { download, hostOf } from "./host.js";
import { Slider } from "./slider.js";
import { Suggestions } from "./suggestions.js";

class App {
  constructor(data) {
    this.data = data;
    this.decisions = new Decisions(data);
    this.faces = new Faces(data);
    this.cards = new Cards(this);
    this.dialog = new ClusterDialog(this);
    this.slider = new Slider(this);
    this.suggestions = new Suggestions(this);
    this.host = hostOf(this.decisions);
    this.say = say;
  }

  show(options) {
    this.cards.update(options);
    this.slider.update();
    if (this.decisions.preview !== null) return; // the slider moves: no more than what it changes
    if (this.dialog.element.open) this.dialog.update();
    this.showState();
  }

  showState() {
    const { done, undone, names } = this.decisions;
    for (const [id, stack] of [
      ["undo", done],
      ["redo", undone],
    ]) {
      const control = document.getElementById(id);
      control.disabled = stack.length === 0;
      control.title = stack.length ? describe(stack.at(-1)) : "";
    }
    document.getElementById("n-done").textContent = `${counted(done.length, "edit")}.`;
    const called = [...names.values(), ...this.titles()];
    document
      .getElementById("people")
      .replaceChildren(...[...new Set(called)].slice(0, 500).map((value) => element("option", { value })));
  }

  titles() {
    const { clusters } = this.decisions;
    return clusters.size > 500 ? [] : [...clusters.keys()].map((label) => this.decisions.title(label));
  }

  /** Make a decision; returns whether it could be made. */
  decide(decision, sentence) {
    const why = this.decisions.make(decision);
    if (why !== null) {
      say(why, true);
      return false;
    }
    this.changed(sentence);
    return true;
  }

  changed(sentence) {
    this.show();
    this.host.changed();
    say(sentence);
  }

  rename(label, text) {
    const name = text.trim().normalize();
    const before = this.decisions.names.get(label) ?? "";
    if (name === before) return false;
    const namesake = name === "" ? null : this.decisions.labelNamed(name);
    if (namesake !== null && namesake !== label) return this.merge([namesake, label]);
    const rows = this.decisions.rowsOf(label);
    return this.decide({ kind: "name", rows, name }, name ? `Named “${name}”.` : "The name is taken away.");
  }

  /** Put clusters together; the first that has a name gives it. */
  merge(labels) {
    const rows = labels.flatMap((label) => this.decisions.rowsOf(label));
    const name = labels.map((label) => this.decisions.names.get(label)).find((known) => known !== undefined);
    const title = name ?? this.decisions.title(labels[0]);
    const isMade = this.decide(
      { kind: "merge", rows, ...(name === undefined ? {} : { name }) },
      `Merged into “${title}”: ${counted(rows.length, "track")}.`,
    );
    if (isMade) this.cards.selected.clear();
    this.cards.updateSelection();
    if (isMade && !document.querySelector("dialog[open]")) this.cards.focus(this.decisions.label[rows[0]]);
    return isMade;
  }

  split(label, rows) {
    const inside = new Set(rows);
    const from = this.decisions.rowsOf(label).find((row) => !inside.has(row));
    if (label < 0)
      return this.decide({ kind: "split", rows, from: rows[0] }, `A cluster of ${counted(rows.length, "track")}.`);
    return this.decide({ kind: "split", rows, from }, `Split off: ${counted(rows.length, "track")}.`);
  }

  move(rows, label) {
    const to = this.decisions.rowsOf(label)[0];
    return this.decide(
      { kind: "move", rows, to },
      `Moved to “${this.decisions.title(label)}”: ${counted(rows.length, "track")}.`,
    );
  }

  noFace(rows) {
    return this.decide({ kind: "noFace", rows }, `Not a face: ${counted(rows.length, "track")}.`);
  }

  confirm(label) {
    return this.decide(
      { kind: "one", rows: this.decisions.rowsOf(label) },
      `“${this.decisions.title(label)}” is one person.`,
    );
  }

  keepApart(labels) {
    const rows = labels.map((label) => this.decisions.rowsOf(label)[0]);
    return this.decide({ kind: "apart", rows }, "Two people.");
  }

  labelCalled(title) {
    for (const label of this.decisions.clusters.keys()) if (this.decisions.title(label) === title) return label;
    return null;
  }

  undo() {
    const decision = this.decisions.undo();
    if (decision !== null) this.changed(`Undone: ${describe(decision)}.`);
  }

  redo() {
    const decision = this.decisions.redo();
    if (decision !== null) this.changed(`Done again: ${describe(decision)}.`);
  }

  open(label) {
    this.dialog.open(label);
  }

  exportEdits() {
    download(editsText(this.decisions), "edits.json");
    this.host.exported();
    say("Exported as edits.json. Apply them: bcl-fast apply RESULT edits.json -o RESULT2");
  }

  load(text, sentence) {
    try {
      const missing = loadEdits(this.decisions, text);
      this.show();
      say(sentence + (missing ? ` ${counted(missing, "track")} of them are not in this result.` : ""));
      return true;
    } catch (error) {
      say(error instanceof TypeError ? "The file holds edits of another shape." : error.message, true);
      return false;
    }
  }
}

function bind(app) {
  const on = (id, event, listener) => document.getElementById(id).addEventListener(event, listener);
  on("undo", "click", () => app.undo());
  on("redo", "click", () => app.redo());
  on("merge", "click", () => app.merge([...app.cards.selected]));
  on("ask", "click", () => app.suggestions.open());
  on("export", "click", () => app.exportEdits());
  on("none", "click", () => app.open(-1));
  on("search", "input", () => app.cards.update({ fromStart: true }));
  on("load", "change", async (event) => {
    const [file] = event.target.files;
    if (file && app.load(await file.text(), `Edits of ${file.name}.`)) app.host.changed();
    event.target.value = "";
  });
  on("help", "click", () => document.getElementById("keys").showModal());
  on("close-keys", "click", () => document.getElementById("keys").close());
  document.addEventListener("keydown", (event) => onKey(app, event));
}

function onKey(app, event) {
  const isTyping = event.target.matches("input[type=text], input[type=search], textarea");
  const withControl = event.ctrlKey || event.metaKey;
  if (withControl && event.key.toLowerCase() === "z" && !isTyping) {
    event.preventDefault();
    if (event.shiftKey) app.redo();
    else app.undo();
    return;
  }
  if (isTyping || withControl || event.altKey || document.querySelector("dialog[open]")) return;
  const ACTIONS = {
    u: () => app.undo(),
    r: () => app.redo(),
    m: () => app.cards.selected.size > 1 && app.merge([...app.cards.selected]),
    q: () => app.suggestions.open(),
    e: () => app.exportEdits(),
    "/": () => document.getElementById("search").focus(),
    "?": () => document.getElementById("keys").showModal(),
  };
  if (!(event.key in ACTIONS)) return;
  event.preventDefault();
  ACTIONS[event.key]();
}

function begin() {
  const app = new App(readData(document.getElementById("data").textContent));
  bind(app);
  const kept = app.host.kept();
  if (app.data.edits !== null) app.load(app.data.edits, "Edits of the file are taken over.");
  else if (kept !== null) app.load(kept, "Edits that this browser kept are taken over.");
  app.show();
  document.documentElement.classList.add("ready");
  performance.mark("cards");
}

begin();
