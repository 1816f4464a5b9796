// The threshold: clusters split and merge while the slider moves, and it is one decision when it is let go.

const [LOW, HIGH] = [0.25, 2]; // times the threshold of the result
const STEPS = 1000;

export class Slider {
  constructor(app) {
    this.app = app;
    this.range = document.getElementById("threshold");
    this.output = document.getElementById("threshold-value");
    const { data } = app;
    const height = data.within.height.length + data.between.height.length;
    this.range.disabled = height === 0 || !(data.threshold > 0);
    this.range.addEventListener("input", () => this.preview());
    this.range.addEventListener("change", () => this.settle());
    document.getElementById("threshold-reset").addEventListener("click", () => this.decide(data.threshold));
    this.frame = null; // what draws the preview, once per frame
  }

  get value() {
    const { threshold } = this.app.data;
    const share = Number(this.range.value) / STEPS;
    const value =
      share <= 0.5 ? threshold * (LOW + (1 - LOW) * 2 * share) : threshold * (1 + (HIGH - 1) * (2 * share - 1));
    return Number(this.range.value) === STEPS / 2 ? threshold : value;
  }

  set value(value) {
    const ratio = value / this.app.data.threshold;
    const share = ratio <= 1 ? (ratio - LOW) / (1 - LOW) / 2 : 0.5 + (ratio - 1) / (HIGH - 1) / 2;
    this.range.value = String(Math.round(share * STEPS));
  }

  preview() {
    if (this.frame !== null) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      this.app.decisions.preview = this.value;
      this.app.decisions.replay();
      this.app.show();
    });
  }

  settle() {
    this.decide(this.value);
  }

  decide(value) {
    if (this.frame !== null) cancelAnimationFrame(this.frame);
    this.frame = null;
    this.app.decisions.preview = null;
    this.app.decisions.replay();
    if (value === this.app.decisions.threshold) this.app.show();
    else this.app.decide({ kind: "threshold", value }, `Threshold ${value.toPrecision(4)}.`);
  }

  update() {
    const { decisions, data } = this.app;
    if (this.range.disabled) {
      this.output.textContent = "no dendrogram: the result has no embeddings";
      return;
    }
    if (decisions.preview === null) this.value = decisions.threshold;
    const many = decisions.clusters.size.toLocaleString("en");
    this.output.textContent = `${decisions.threshold.toPrecision(4)}: ${many} clusters`;
    this.range.setAttribute("aria-valuetext", this.output.textContent);
    document.getElementById("threshold-reset").disabled = decisions.threshold === data.threshold;
  }
}
