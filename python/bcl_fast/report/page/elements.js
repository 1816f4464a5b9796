// Elements of the page. Text becomes text nodes and attributes alone: nothing that a file holds is read as markup.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    else if (name === "class") made.className = value;
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function button(text, listener, attributes = {}) {
  return element("button", { type: "button", on: { click: listener }, ...attributes }, text);
}

const SVG = "http://www.w3.org/2000/svg";

export function drawing(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function counted(number, what) {
  return `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
}

/** Say a sentence to those who see the page, and to those who hear it. */
export function say(sentence, isWrong = false) {
  const said = document.getElementById("said");
  said.classList.toggle("wrong", isWrong);
  said.textContent = sentence;
}

/** Grow a list as its end comes near the window; returns what shows its first children anew. */
export function growing(list, root, step) {
  const end = element("div", { class: "end" });
  list.after(end);
  let items = [];
  let shown = step;
  const fill = (from) => {
    items.slice(from, shown).forEach((make, place) => {
      const item = make();
      if (list.children[from + place] !== item) list.insertBefore(item, list.children[from + place] ?? null);
    });
    while (list.children.length > Math.min(shown, items.length)) list.lastChild.remove();
    end.hidden = shown >= items.length;
  };
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting) || shown >= items.length) return;
      shown += step;
      fill(shown - step);
      observer.unobserve(end);
      observer.observe(end);
    },
    { root, rootMargin: "1200px" },
  );
  observer.observe(end);
  return (made, { fromStart = false } = {}) => {
    items = made;
    if (fromStart) shown = step;
    fill(0);
  };
}
