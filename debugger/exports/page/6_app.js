// The debugger: one cursor, and panes that follow it.

const STEPS = [
  ["s", "S", "event", "fact"], ["m", "M", MUTATION, "change"], ["h", "H", "hook", "hook"],
  ["e", "E", "effect", "effect"], ["p", "P", "phase", "phase"], ["x", "X", "failure", "failure"],
];
const OTHER_KEYS = [
  ["→ ←", "next, previous fact"], ["home end", "the first moment, the last"],
  ["w W", "next, previous write of the chosen path"], ["/ n N", "find, next and previous match"],
  ["a", "mark this moment as A"], ["d", "compare with: previous moment, A, start"],
  ["g", "go to a number"], ["y", "copy a link to this moment"], ["?", "these keys"],
];
const ROW = 24;

class App {
  constructor(recording, root) {
    this.recording = recording;
    this.request = recording.requests[0];
    this.moment = 0;
    this.mark = null;
    this.base = "previous";
    this.path = null;
    this.folded = new Set();
    this.found = null;
    this.build(root);
    addEventListener("hashchange", () => this.follow());
    addEventListener("keydown", (event) => this.keyed(event));
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => this.tracks.paint());
    this.open(this.request, this.request.stopsOf("failure")[0] ?? this.request.last);
    this.follow();
  }

  // --- where we are ---

  open(request, moment) {
    this.request = request;
    [this.mark, this.path, this.found] = [null, null, null];
    this.folded.clear();
    this.tellRequest();
    this.facts.show(request.last + 1);
    this.go(moment);
  }

  go(moment, told = "") {
    this.moment = Math.max(0, Math.min(this.request.last, moment));
    this.paint(told);
  }

  step(kind, forward) {
    const to = forward ? this.request.next(kind, this.moment) : this.request.previous(kind, this.moment);
    if (to === null) this.say(`No ${kind === "event" ? "fact" : kind} ${forward ? "after" : "before"} this moment.`);
    else this.go(to);
  }

  // A step among *rising*, named *what* where there is none.
  stepAmong(rising, forward, what) {
    const at = placeOf(rising, forward ? this.moment : this.moment - 1);
    const to = rising[forward ? at : at - 1];
    if (to === undefined) this.say(`No ${what} ${forward ? "after" : "before"} this moment.`);
    else this.go(to);
  }

  stepWrite(forward) {
    if (this.path === null) return this.say("Choose a path in the state first.");
    const key = this.path.split("/")[1].replaceAll("~1", "/").replaceAll("~0", "~");
    const touched = (at) => this.request.diff(at - 1, at).some((each) => related(each.path, this.path));
    const written = (this.request.writes.get(key) || []).filter(
      (at) => this.path.split("/").length === 2 || touched(at),
    );
    this.stepAmong(written, forward, `write of ${printable(this.path)}`);
  }

  baseMoment() {
    if (this.base === "start") return 0;
    if (this.base === "A" && this.mark !== null) return this.mark;
    return Math.max(0, this.moment - 1);
  }

  nextBase() {
    const bases = this.mark === null ? ["previous", "start"] : ["previous", "A", "start"];
    this.base = bases[(bases.indexOf(this.base) + 1) % bases.length];
    this.paint();
  }

  // --- links: `#31`, and of one request among several `#req-…@31` ---

  link() {
    const several = this.recording.requests.length > 1;
    return several ? `#${this.request.id}@${this.moment}` : `#${this.moment}`;
  }

  follow() {
    const match = /^#(?:(req-[0-9a-f]+)@)?(\d+)$/.exec(location.hash);
    if (!match) return;
    const request = match[1] ? this.recording.requests.find((each) => each.id === match[1]) : this.request;
    if (!request) return this.say("The request of this link is not in this page.");
    if (request !== this.request) this.open(request, Number(match[2]));
    else if (Number(match[2]) !== this.moment) this.go(Number(match[2]));
  }

  remember() {
    clearTimeout(this.later);
    // Browsers refuse to be told of each step of a held key.
    this.later = setTimeout(() => {
      if (location.hash !== this.link()) history.replaceState(null, "", this.link());
    }, 200);
  }

  // --- keys ---

  keyed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const field = event.target.matches?.("input:not([type=range]), select");
    if (field || this.help.open) {
      if (event.key === "Escape" && field) event.target.blur();
      return;
    }
    const action = this.actions().get(event.key);
    if (!action) return;
    event.preventDefault();
    action();
  }

  actions() {
    const actions = new Map([
      ["ArrowRight", () => this.step("event", true)], ["ArrowLeft", () => this.step("event", false)],
      ["ArrowDown", () => this.step("event", true)], ["ArrowUp", () => this.step("event", false)],
      ["Home", () => this.go(0)], ["End", () => this.go(this.request.last)],
      ["PageDown", () => this.go(this.moment + 20)], ["PageUp", () => this.go(this.moment - 20)],
      ["w", () => this.stepWrite(true)], ["W", () => this.stepWrite(false)],
      ["n", () => this.stepFound(true)], ["N", () => this.stepFound(false)],
      ["a", () => this.markHere()], ["d", () => this.nextBase()],
      ["g", () => this.number.focus()], ["/", () => this.finder.focus()],
      ["y", () => this.copy()], ["?", () => this.help.showModal()],
    ]);
    for (const [forward, back, kind] of STEPS) {
      actions.set(forward, () => this.step(kind, true));
      actions.set(back, () => this.step(kind, false));
    }
    return actions;
  }

  markHere() {
    [this.mark, this.base] = [this.moment, "A"];
    this.say(`A is #${this.moment}: differences are told from there.`);
    this.paint(`A is #${this.moment}.`);
  }

  async copy() {
    const link = location.href.split("#")[0] + this.link();
    try {
      await navigator.clipboard.writeText(link);
      this.say("Copied the link to this moment.");
    } catch {
      history.replaceState(null, "", this.link());
      this.say("The address of this page is the link to this moment.");
    }
  }

  // --- finding ---

  find(text) {
    const wanted = text.toLowerCase();
    this.found = null;
    if (wanted) {
      this.found = [];
      for (let at = 1; at <= this.request.last; at += 1) {
        if (this.haystack(at).includes(wanted)) this.found.push(at);
      }
      this.say(`${this.found.length} of ${this.request.last} facts hold it; n and N go to them.`);
    }
    this.facts.paint();
  }

  haystack(at) {
    const of = this.request;
    return `${of.type(at)} ${of.key(at)} ${of.line(at) ?? ""} ${writeJson(of.payload(at))}`.toLowerCase();
  }

  stepFound(forward) {
    if (this.found === null) return this.finder.focus();
    this.stepAmong(this.found, forward, "match");
  }
}

function related(one, other) {
  return one === other || one.startsWith(other + "/") || other.startsWith(one + "/");
}
