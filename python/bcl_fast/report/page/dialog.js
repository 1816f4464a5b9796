// One cluster with all of its tracks: to split it, to move tracks, to say what is no face.

import { button, counted, element, growing } from "./elements.js";
import { splitInTwo } from "./cut.js";

export class ClusterDialog {
  constructor(app) {
    this.app = app;
    this.element = document.getElementById("cluster");
    this.list = document.getElementById("tracks");
    this.showTracks = growing(this.list, this.element, 60);
    this.picked = new Set();
    this.made = new Map();
    const on = (id, listener) => document.getElementById(id).addEventListener("click", listener);
    on("split-two", () => this.splitInTwo());
    on("split-off", () => this.act(() => this.app.split(this.label, [...this.picked])));
    on("no-face", () => this.act(() => this.app.noFace([...this.picked])));
    on("move", () => this.move());
    on("confirm", () => this.act(() => this.app.confirm(this.label)));
    on("close-cluster", () => this.element.close());
    this.element.addEventListener("close", () => app.cards.focus(this.label));
  }

  open(label) {
    this.label = label;
    this.picked.clear();
    this.made.clear();
    this.list.replaceChildren();
    this.update({ fromStart: true });
    if (!this.element.open) this.element.showModal();
  }

  update({ fromStart = false } = {}) {
    const { decisions } = this.app;
    const rows = decisions.rowsOf(this.label);
    if (rows.length === 0) {
      if (this.element.open) this.element.close();
      return;
    }
    for (const row of this.picked) if (decisions.label[row] !== this.label) this.picked.delete(row);
    document.getElementById("cluster-title").textContent =
      `${decisions.title(this.label)}: ${counted(rows.length, "track")}`;
    this.showTracks(
      rows.map((row) => () => this.track(row)),
      { fromStart },
    );
    this.updateButtons(rows);
  }

  track(row) {
    if (this.made.has(row)) return this.made.get(row);
    const { app } = this;
    const press = button("", () => this.toggle(row, press), { class: "track", "aria-pressed": "false" });
    press.append(app.faces.tile(row), element("span", { class: "words" }, app.faces.words(row)));
    const item = element("li", {}, press);
    this.made.set(row, item);
    return item;
  }

  toggle(row, press) {
    const isPicked = !this.picked.delete(row) && Boolean(this.picked.add(row));
    press.setAttribute("aria-pressed", String(isPicked));
    this.updateButtons(this.app.decisions.rowsOf(this.label));
  }

  pick(rows) {
    this.picked = new Set(rows);
    for (const [row, item] of this.made) item.firstChild.setAttribute("aria-pressed", String(this.picked.has(row)));
    this.updateButtons(this.app.decisions.rowsOf(this.label));
  }

  updateButtons(rows) {
    const count = this.picked.size;
    const isNone = this.label < 0;
    document.getElementById("picked").textContent = count
      ? `${counted(count, "track")} picked`
      : "Pick tracks to move them.";
    document.getElementById("split-off").disabled = count === 0 || (!isNone && count === rows.length);
    document.getElementById("move").disabled = count === 0;
    document.getElementById("no-face").disabled = count === 0 || isNone;
    document.getElementById("split-two").disabled = isNone || rows.length < 2;
    document.getElementById("confirm").disabled = isNone;
  }

  act(change) {
    if (change()) this.pick([]);
    this.update();
  }

  /** Pick the smaller side of the last merge; picked already, it becomes a cluster of its own. */
  splitInTwo() {
    const rows = this.app.decisions.rowsOf(this.label);
    const found = splitInTwo(this.app.data, rows);
    if (found === null) return;
    const [side] = found.sides.sort((a, b) => a.length - b.length);
    const isPicked = side.length === this.picked.size && side.every((row) => this.picked.has(row));
    if (isPicked) this.act(() => this.app.split(this.label, side));
    else {
      this.app.say(
        `The last merge put ${counted(side.length, "track")} to the others: picked. Split in two again to part them.`,
      );
      this.bringFirst(side, rows);
    }
  }

  bringFirst(side, rows) {
    const inside = new Set(side);
    const ordered = [...side, ...rows.filter((row) => !inside.has(row))];
    this.showTracks(
      ordered.map((row) => () => this.track(row)),
      { fromStart: true },
    );
    this.pick(side);
  }

  move() {
    const field = document.getElementById("move-to");
    const target = this.app.labelCalled(field.value.trim());
    if (target === null || target === this.label) {
      this.app.say(
        target === null ? `There is no cluster called “${field.value}”.` : "The tracks are there already.",
        true,
      );
      return;
    }
    this.act(() => this.app.move([...this.picked], target));
    field.value = "";
  }
}
