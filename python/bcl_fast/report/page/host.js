// Where edits go: into a file that the user saves, or to the server, which writes every one of them at once.

import { say } from "./elements.js";
import { editsText } from "./edits.js";

/** A page that was opened from disk: edits are exported, and this browser keeps them until then. */
class FileHost {
  constructor(decisions) {
    this.decisions = decisions;
    this.key = `bcl_fast.edits.${decisions.data.checksum}`;
    this.isSaved = true;
    window.addEventListener("beforeunload", (event) => {
      if (!this.isSaved) event.preventDefault();
    });
  }

  kept() {
    try {
      return localStorage.getItem(this.key);
    } catch {
      return null;
    }
  }

  changed() {
    this.isSaved = false;
    try {
      localStorage.setItem(this.key, editsText(this.decisions));
    } catch {
      // the browser keeps nothing for files: what is not exported is asked about before the page is left
    }
  }

  exported() {
    this.isSaved = true;
  }
}

/** A page that is served: changes are sent, one after the other; what could not be saved is said and sent again. */
class ServerHost {
  constructor(decisions) {
    this.decisions = decisions;
    this.revision = decisions.data.host.revision;
    this.isSaving = false;
    this.isWanted = false;
    window.addEventListener("beforeunload", (event) => {
      if (this.isSaving || this.isWanted) event.preventDefault();
    });
  }

  kept() {
    return null;
  }

  exported() {}

  changed() {
    this.isWanted = true;
    if (!this.isSaving) this.save();
  }

  async save() {
    this.isSaving = true;
    const state = document.getElementById("state");
    while (this.isWanted) {
      this.isWanted = false;
      state.textContent = "Saving…";
      const failure = await this.send();
      if (failure === null) state.textContent = "Saved.";
      else {
        state.textContent = "Not saved.";
        say(failure.sentence, true);
        this.isWanted = failure.again;
        if (failure.again) await new Promise((done) => setTimeout(done, 2000));
      }
    }
    this.isSaving = false;
  }

  async send() {
    try {
      const answer = await fetch("edits", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Revision": this.revision },
        body: editsText(this.decisions),
      });
      const said = await answer.json();
      if (answer.ok) this.revision = said.revision;
      return answer.ok ? null : { sentence: said.error, again: answer.status >= 500 };
    } catch {
      return {
        sentence: "The server does not answer: edits are kept here and sent again. Is bcl-fast review running?",
        again: true,
      };
    }
  }
}

export function hostOf(decisions) {
  return decisions.data.host.kind === "server" ? new ServerHost(decisions) : new FileHost(decisions);
}

export function download(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
