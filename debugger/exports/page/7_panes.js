// How the page is laid out and painted. Painting reads the cursor and changes nothing else.

const panes = {
  build(root) {
    this.title = element("h1");
    this.about = element("p", { class: "about" });
    this.badge = element("span", { class: "badge" });
    this.picker = element("select", { "aria-label": "request", onchange: () => this.picked() });
    for (const each of this.recording.requests) {
      this.picker.append(element("option", { value: each.id, text: optionOf(each) }));
    }
    this.picker.hidden = this.recording.requests.length < 2;
    this.theme = element("button", { class: "quiet", text: "◐", title: "light or dark", "aria-label": "light or dark", onclick: () => this.otherTheme() });
    const header = element("header", {},
      element("div", { class: "what" }, this.title, this.badge), this.picker,
      element("button", { class: "quiet", text: "?", title: "keys (?)", "aria-label": "keys", onclick: () => this.help.showModal() }),
      this.theme, this.about);
    const lanes = LANES.map(([kind, , name]) => element("span", { class: kind, text: name }));
    const tracks = element("section", { class: "tracks", "aria-label": "where we are" },
      element("div", { class: "lanes", "aria-hidden": "true" }, ...lanes));
    this.tracks = new Tracks(tracks, (moment) => this.go(moment));
    this.status = element("p", { class: "status", role: "status", "aria-live": "polite" });
    const main = element("main", {}, this.buildTimeline(), this.buildRight());
    this.help = this.buildHelp();
    root.replaceChildren(header, tracks, this.buildSteps(), this.status, main, this.buildFooter(), this.help);
    this.facts = new Rows(this.factsHost, ROW, (index) => this.factRow(index), (index) => this.go(index));
  },

  buildSteps() {
    this.number = element("input", { type: "number", min: "0", "aria-label": "go to moment", onchange: () => this.gone() });
    this.position = element("span", { class: "position" });
    const bar = element("nav", { class: "steps", "aria-label": "steps" });
    for (const [forward, back, kind, name] of STEPS) {
      bar.append(element("span", { class: "step" },
        element("button", { text: "‹", title: `previous ${name} (${back})`, "aria-label": `previous ${name}`, onclick: () => this.step(kind, false) }),
        element("span", { text: name }),
        element("button", { text: "›", title: `next ${name} (${forward})`, "aria-label": `next ${name}`, onclick: () => this.step(kind, true) })));
    }
    bar.append(element("span", { class: "goto" }, element("label", {}, "#", this.number), this.position));
    return bar;
  },

  buildTimeline() {
    this.finder = element("input", { type: "search", placeholder: "find  /", "aria-label": "find in facts", oninput: () => this.find(this.finder.value) });
    this.finder.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.stepFound(!event.shiftKey);
    });
    this.factsHost = element("div", { class: "list", role: "listbox", tabindex: "0", "aria-label": "facts" });
    return element("section", { class: "pane timeline" }, paneHead("Timeline", this.finder), this.factsHost);
  },

  buildRight() {
    this.baseButton = element("button", { class: "quiet", onclick: () => this.nextBase() });
    [this.diffHost, this.stateHost, this.sourceHost, this.factHost] = ["diff", "state", "source", "fact"].map(
      (name) => element("div", { class: `list ${name}`, tabindex: "0", "aria-label": name }));
    this.stateHead = element("span", { class: "note" });
    this.sourceHead = element("span", { class: "note" });
    this.factHead = element("span", { class: "note" });
    return element("div", { class: "right" },
      element("section", { class: "pane of-diff" }, paneHead("Diff", this.baseButton), this.diffHost),
      element("section", { class: "pane of-state" }, paneHead("State", this.stateHead), this.stateHost),
      element("section", { class: "pane of-fact" }, paneHead("Fact", this.factHead), this.factHost),
      element("section", { class: "pane of-source" }, paneHead("Source", this.sourceHead), this.sourceHost));
  },

  buildHelp() {
    const rows = [...STEPS.map(([forward, back, , name]) => [`${forward} ${back}`, `next, previous ${name}`]), ...OTHER_KEYS];
    const list = element("dl");
    for (const [keys, text] of rows) {
      const names = keys.split(" ").map((key) => element("kbd", { text: key }));
      list.append(element("dt", {}, ...names), element("dd", { text }));
    }
    const close = element("button", { text: "close", onclick: () => this.help.close() });
    return element("dialog", { "aria-label": "keys" }, element("h2", { text: "Keys" }), list, close);
  },

  buildFooter() {
    const { data, hidden } = this.recording;
    const kept = hidden.length ? `${hidden.length} values are hidden` : "no value is hidden";
    const footer = element("footer", {}, element("span", { text: `Recorded by Timescape. This page holds all of it; it loads nothing. ${kept}.` }));
    if (hidden.length) {
      const places = hidden.map((each) => element("li", { text: printable(`#${each.get("revision").text} ${each.get("pointer")} ${each.get("how")}`) }));
      footer.append(element("details", {}, element("summary", { text: "which" }), element("ul", {}, ...places)));
    }
    footer.append(element("code", { text: data.get("head") }));
    return footer;
  },

  // --- what happens on the way ---

  picked() {
    const request = this.recording.requests.find((each) => each.id === this.picker.value);
    this.open(request, request.stopsOf("failure")[0] ?? request.last);
    this.picker.blur();
  },

  gone() {
    this.go(Number(this.number.value) || 0);
    this.number.blur();
  },

  otherTheme() {
    const dark = colourOf("color-scheme").trim() === "dark" || getComputedStyle(document.documentElement).colorScheme === "dark";
    const now = document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches || dark ? "dark" : "light");
    document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
    this.tracks.paint();
  },

  say(text) {
    this.status.textContent = printable(text);
  },

  // --- painting ---

  tellRequest() {
    const of = this.request.about;
    document.title = `${printable(of.get("title"))} · Timescape`;
    this.title.textContent = printable(of.get("title"));
    this.badge.textContent = printable(of.get("outcome"));
    this.badge.dataset.failed = String(of.get("failed"));
    this.picker.value = this.request.id;
    const about = [of.get("route"), of.get("version"), `by ${of.get("principal")}`, of.get("started"), `${of.get("ms").text} ms`, this.request.id];
    this.about.replaceChildren(...about.filter(Boolean).map((text) => element("span", { text: printable(text) })));
    this.number.max = String(this.request.last);
  },

  paint(told = "") {
    this.say(told || this.request.sentence(this.moment));
    this.position.textContent = `of ${this.request.last}   +${milliseconds(this.request.passedUs(this.moment))} ms`;
    this.number.value = String(this.moment);
    this.tracks.show(this.request, this.moment, this.base === "A" ? this.mark : null);
    this.facts.reveal(this.moment);
    this.paintDiff();
    this.paintState();
    this.paintFact();
    this.paintSource();
    this.remember();
  },

  factRow(index) {
    const at = element("span", { class: "number", text: `${index}` });
    const row = element("div", { class: "row", role: "option", "aria-selected": String(index === this.moment) }, at);
    if (index === 0) {
      row.append(element("span", { class: "subject", text: "before the first fact" }));
      return row;
    }
    const type = this.request.type(index);
    row.dataset.kind = kindOf(type, this.request, index);
    if (this.found?.length && this.found[placeOf(this.found, index) - 1] === index) row.dataset.found = "true";
    if (index === this.mark) row.dataset.mark = "A";
    row.append(
      element("span", { class: "ms", text: milliseconds(this.request.passedUs(index)) }),
      element("span", { class: "type", text: printable(type) }),
      element("span", { class: "subject", text: printable(this.request.subject(index)) }));
    return row;
  },

  paintDiff() {
    const [from, changes] = [this.baseMoment(), this.request.diff(this.baseMoment(), this.moment)];
    this.baseButton.textContent = `#${from} → #${this.moment}  (${this.base})`;
    const rows = changes.slice(0, 500).map((each) => this.diffRow(each));
    if (changes.length > 500) rows.push(element("p", { class: "none", text: `and ${changes.length - 500} more` }));
    if (!changes.length) rows.push(element("p", { class: "none", text: "No change of state." }));
    this.diffHost.replaceChildren(...rows);
  },

  diffRow({ sign, path, before, after }) {
    const row = element("div", { class: "change" },
      element("span", { class: "sign", text: sign }), element("span", { class: "path", text: printable(path) }));
    row.dataset.sign = sign;
    if (sign !== "+") row.append(element("del", { text: shown(before, 300) }));
    if (sign === "~") row.append(element("span", { class: "to", text: "→" }));
    if (sign !== "-") row.append(element("ins", { text: shown(after, 300) }));
    return row;
  },

  paintState() {
    const before = this.moment ? this.request.stateAt(this.moment - 1) : new Map();
    const changed = differences(before, this.request.stateAt(this.moment)).map((each) => each.path);
    const rows = [];
    for (const row of this.request.rows(this.moment)) {
      const note = row.revision ? `#${row.revision} ${row.by}` : "never set";
      this.stateRows(row.path, row.path.slice(1), row.value, 0, printable(note), changed, rows);
    }
    this.stateHead.textContent = this.moment ? this.request.by(this.moment) && `in ${printable(this.request.by(this.moment))}` : "";
    if (!rows.length) rows.push(element("p", { class: "none", text: "No keys are set." }));
    const scrolled = this.stateHost.scrollTop;
    this.stateHost.replaceChildren(...rows);
    const [first, room] = [rows.find((row) => row.dataset.changed === "true"), this.stateHost.clientHeight];
    const inSight = !first || (first.offsetTop >= scrolled && first.offsetTop < scrolled + room - ROW);
    this.stateHost.scrollTop = inSight ? scrolled : first.offsetTop - room / 3;
  },

  stateRows(path, name, value, depth, note, changed, rows) {
    if (rows.length >= 2000) return;
    const inner = partsOf(value);
    const opens = inner !== null && depth < 40 && (inner.size ?? inner.length) > 0;
    const open = opens && !this.folded.has(path);
    rows.push(this.stateRow(path, name, value, depth, note, changed, opens, open));
    if (!open) return;
    const children = inner instanceof Map ? inner : inner.map((item, index) => [String(index), item]);
    for (const [key, item] of children) {
      const at = path + join([key]);
      this.stateRows(at, key, item, depth + 1, "", changed, rows);
    }
  },

  stateRow(path, name, value, depth, note, changed, opens, open) {
    const row = element("div", { class: "leaf", onclick: () => this.choose(path, opens) },
      element("span", { class: "fold", text: opens ? (open ? "▾" : "▸") : "" }),
      element("span", { class: "path", text: printable(name.replaceAll("~1", "/").replaceAll("~0", "~")) }),
      element("span", { class: "value", text: open ? "" : shown(value, 400) }),
      element("span", { class: "note", text: note }));
    row.style.paddingLeft = `${10 + depth * 16}px`;
    row.dataset.changed = String(changed.some((each) => each === path || path.startsWith(each + "/")));
    row.dataset.chosen = String(path === this.path);
    return row;
  },

  choose(path, opens) {
    if (opens && (this.path === path || this.folded.has(path))) {
      if (!this.folded.delete(path)) this.folded.add(path);
    }
    this.path = path;
    this.paint(`Chosen: ${path}. w goes to its next write, W to the one before.`);
  },

  paintFact() {
    this.factHead.textContent = this.moment ? printable(this.request.type(this.moment)) : "";
    if (!this.moment) return this.factHost.replaceChildren();
    const payload = this.request.payload(this.moment);
    const fields = payload instanceof Map ? [...payload] : [["", payload]];
    const rows = fields.map(([name, value]) => element("div", { class: "leaf" },
      element("span", { class: "path", text: printable(name) }), element("span", { class: "value", text: shown(value) })));
    this.factHost.replaceChildren(...rows);
  },

  paintSource() {
    const at = this.request.lastWithLine(this.moment);
    const site = at ? this.request.line(at) : null;
    this.sourceHead.textContent = site ? printable(site) + (at === this.moment ? "" : `  by #${at}`) : "";
    const cut = site ? site.lastIndexOf(":") : -1;
    const source = site && this.recording.sources.get(site.slice(0, cut));
    if (!source) {
      const why = site ? "This page does not have the file." : "No line of your code has spoken yet.";
      this.shownSource = null;
      return this.sourceHost.replaceChildren(element("p", { class: "none", text: why }));
    }
    this.paintLines(source, Number(site.slice(cut + 1)), at === this.moment);
  },

  paintLines(source, here, now) {
    if (this.shownSource !== source) {
      const lines = source.get("lines").map((text, index) => element("div", { class: "line" },
        element("span", { class: "number", text: String(index + 1) }), element("code", { text: printable(text.replaceAll("\t", "    ")) })));
      const doubt = source.get("doubt");
      this.sourceHost.replaceChildren(...(doubt ? [element("p", { class: "doubt", text: printable(doubt) })] : []), ...lines);
      [this.shownSource, this.sourceLines] = [source, lines];
    }
    for (const line of this.sourceLines) line.dataset.here = "false";
    const line = this.sourceLines[here - 1];
    if (!line) return;
    line.dataset.here = now ? "true" : "before";
    this.sourceHost.scrollTop = line.offsetTop - this.sourceHost.clientHeight / 2;
  },
};
Object.assign(App.prototype, panes);

function optionOf(request) {
  const [title, outcome] = ["title", "outcome"].map((name) => request.about.get(name));
  return printable(`${title}  ${outcome}  ${request.id.slice(-6)}`);
}

function paneHead(title, ...more) {
  return element("div", { class: "head" }, element("h2", { text: title }), ...more);
}

function kindOf(type, request, revision) {
  const failures = request.stopsOf("failure");
  if (failures[placeOf(failures, revision) - 1] === revision) return "failure";
  return type.split(".")[0];
}

// `timescape` is for your browser's console: timescape.requests[0].rows(17)
const recording = readRecording(document.getElementById("recording").textContent);
window.timescape = { ...recording, readRecording, writeJson, app: null };
if (recording.requests.length) window.timescape.app = new App(recording, document.getElementById("app"));
