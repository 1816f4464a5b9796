// The cards of the clusters, by size, and the tiles of those of one track.

import { button, counted, element, growing, say } from "./elements.js";
import { screenTime, spread, strip, timeline } from "./strips.js";

const CENTRAL = 9;
const RIM = 3;

export class Cards {
  constructor(app) {
    this.app = app;
    this.line = timeline(app.data);
    this.made = new Map();
    this.selected = new Set();
    this.show = growing(document.getElementById("cards"), null, 40);
    this.showSingles = growing(document.getElementById("singles"), null, 120);
  }

  update({ fromStart = false } = {}) {
    const { decisions } = this.app;
    const wanted = this.filtered([...decisions.clusters]);
    const large = wanted.filter(([, rows]) => rows.length > 1).sort((a, b) => b[1].length - a[1].length || a[0] - b[0]);
    const singles = wanted.filter(([, rows]) => rows.length === 1).sort((a, b) => a[0] - b[0]);
    for (const label of this.selected) if (!decisions.clusters.has(label)) this.selected.delete(label);
    this.forgetOthers(decisions.clusters);
    this.show(
      large.map(
        ([label, rows]) =>
          () =>
            this.card(label, rows),
      ),
      { fromStart },
    );
    this.showSingles(
      singles.map(
        ([label, rows]) =>
          () =>
            this.single(label, rows[0]),
      ),
      { fromStart },
    );
    document.getElementById("n-cards").textContent = large.length.toLocaleString("en");
    document.getElementById("n-singles").textContent = singles.length.toLocaleString("en");
    document.getElementById("singles-section").hidden = singles.length === 0;
    const none = decisions.rowsOf(-1).length;
    document.getElementById("none").hidden = none === 0;
    document.getElementById("none").textContent = `${counted(none, "track")} in no cluster`;
    this.updateSelection();
  }

  filtered(clusters) {
    const asked = document.getElementById("search").value.trim().toLowerCase();
    if (!asked) return clusters;
    const { data, decisions } = this.app;
    return clusters.filter(
      ([label, rows]) =>
        decisions.title(label).toLowerCase().includes(asked) ||
        rows.some(
          (row) => data.trackIds[row].toLowerCase() === asked || data.videos[data.video[row]].toLowerCase() === asked,
        ),
    );
  }

  forgetOthers(clusters) {
    for (const label of this.made.keys()) if (!clusters.has(label)) this.made.delete(label);
  }

  /** A card is made anew where its tracks or its name have changed. */
  card(label, rows) {
    const { decisions } = this.app;
    const name = decisions.names.get(label) ?? "";
    const sum = rows.reduce((total, row) => (total * 31 + row) % 2147483647, rows.length);
    const state = `${sum} ${decisions.title(label)} ${name}`;
    const known = this.made.get(label);
    if (known?.state === state) return known.item;
    const item = this.makeCard(label, rows, name);
    this.made.set(label, { item, state });
    return item;
  }

  makeCard(label, rows, name) {
    const { data, decisions } = this.app;
    const title = decisions.title(label);
    const about = [counted(rows.length, "track"), screenTime(data, rows)].filter(Boolean).join(", ");
    const heading = element("h3", { class: "hidden-words" }, title);
    const item = element(
      "li",
      { class: "card", draggable: "true", "data-label": label },
      heading,
      element(
        "div",
        { class: "card-head" },
        this.checkbox(label, title),
        this.nameField(label, name, title),
        element("span", { class: "about" }, about),
      ),
      this.faces(label, rows, title),
      this.line === null ? null : strip(data, this.line, rows),
      spread(data, rows),
    );
    this.makeDroppable(item, label);
    return item;
  }

  checkbox(label, title) {
    const box = element("input", { type: "checkbox", "aria-label": `Select ${title}` });
    box.checked = this.selected.has(label);
    box.addEventListener("change", () => {
      if (box.checked) this.selected.add(label);
      else this.selected.delete(label);
      this.updateSelection();
    });
    return box;
  }

  nameField(label, name, title) {
    const field = element("input", {
      type: "text",
      class: "name",
      value: name,
      placeholder: title,
      "aria-label": `Name of ${title}`,
      list: "people",
      autocomplete: "off",
      maxlength: 200,
    });
    field.addEventListener("change", () => {
      if (!this.app.rename(label, field.value)) field.value = this.app.decisions.names.get(label) ?? "";
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") field.blur();
    });
    return field;
  }

  /** The most central faces first, then those at the rim, marked. */
  faces(label, rows, title) {
    const { data, faces } = this.app;
    const rim = rows.length > CENTRAL ? rows.slice(-RIM).filter((row) => data.distance[row] > data.radius) : [];
    const central = rows.slice(0, Math.min(CENTRAL, rows.length - rim.length));
    const tiles = [...central.map((row) => faces.tile(row)), ...rim.map((row) => faces.tile(row, { isRim: true }))];
    const opener = button("", () => this.app.open(label), {
      class: "faces",
      "aria-label": `All tracks of ${title}${rim.length ? `; ${rim.length} shown are doubtful` : ""}`,
    });
    for (const tile of tiles) tile.draggable = true;
    opener.append(...tiles);
    return opener;
  }

  single(label, row) {
    const known = this.made.get(label);
    const { decisions, faces } = this.app;
    const title = decisions.title(label);
    if (known?.state === `1 ${title}`) return known.item;
    const opener = button("", () => this.app.open(label), {
      class: "faces",
      "aria-label": `${title}: ${faces.words(row)}`,
    });
    opener.append(faces.tile(row));
    const item = element(
      "li",
      { class: "single", draggable: "true", "data-label": label },
      this.checkbox(label, title),
      opener,
    );
    if (decisions.names.has(label)) item.append(element("span", { class: "about" }, title));
    this.makeDroppable(item, label);
    this.made.set(label, { item, state: `1 ${title}` });
    return item;
  }

  /** A card dropped on another is merged into it; a face that is dragged out of a card moves alone. */
  makeDroppable(item, label) {
    item.addEventListener("dragstart", (event) => {
      const row =
        this.app.decisions.rowsOf(label).length > 1 ? event.target.closest?.(".face")?.dataset.row : undefined;
      event.dataTransfer.setData("text/x-bcl", JSON.stringify({ label, row: row === undefined ? null : Number(row) }));
      event.dataTransfer.effectAllowed = "move";
    });
    item.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("text/x-bcl")) return;
      event.preventDefault();
      item.classList.add("target");
    });
    item.addEventListener("dragleave", () => item.classList.remove("target"));
    item.addEventListener("drop", (event) => {
      event.preventDefault();
      item.classList.remove("target");
      const dropped = JSON.parse(event.dataTransfer.getData("text/x-bcl"));
      if (dropped.label === label) return;
      if (dropped.row === null) this.app.merge([label, dropped.label]);
      else this.app.move([dropped.row], label);
    });
  }

  updateSelection() {
    const count = this.selected.size;
    const merge = document.getElementById("merge");
    merge.disabled = count < 2;
    merge.textContent = count < 2 ? "Merge selected" : `Merge ${count} selected`;
    for (const box of document.querySelectorAll(".card input[type=checkbox], .single input[type=checkbox]")) {
      box.checked = this.selected.has(Number(box.closest("li").dataset.label));
    }
  }

  focus(label) {
    const card = document.querySelector(`li[data-label="${label}"]`);
    card?.scrollIntoView({ block: "nearest" });
    card?.querySelector("input.name, button")?.focus({ preventScroll: true });
    if (!card) say("The cluster is further down.");
  }
}
