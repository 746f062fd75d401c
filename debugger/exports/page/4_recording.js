// The recording in this page, and its moments: 0 is before the first fact, n is after fact n.

const STRIDE = 256; // a state is kept every so many facts
const MUTATION = "mutation";

class Recorded {
  constructor(data, types, sites, names) {
    this.about = data;
    this.id = data.get("id");
    this.types = types;
    this.sites = sites;
    this.names = names;
    this.facts = data.get("facts");
    this.last = this.facts.length;
    this.marks = new Map([[0, new Map()]]);
    this.near = [-1, null];
    this.stops = new Map();
    for (const [kind, found] of data.get("stops")) this.stops.set(kind, found.map(number));
    this.writes = new Map();
    this.facts.forEach((fact, index) => {
      for (const key of fact[8] || []) {
        if (!this.writes.has(key)) this.writes.set(key, []);
        this.writes.get(key).push(index + 1);
      }
    });
  }

  // --- a fact; revisions from 1 ---

  type(revision) { return this.types[number(this.facts[revision - 1][0])]; }
  key(revision) { return this.facts[revision - 1][1] ?? ""; }
  passedUs(revision) { return revision ? number(this.facts[revision - 1][2]) : 0; }
  line(revision) { return this.sites[number(this.facts[revision - 1][3])] ?? null; }
  by(revision) { return this.names[number(this.facts[revision - 1][4])] ?? ""; }
  subject(revision) { return this.facts[revision - 1][5]; }
  sentence(revision) { return revision ? this.facts[revision - 1][6] : "Before the first fact."; }
  payload(revision) { return this.facts[revision - 1][7]; }

  // --- moments ---

  stateAt(revision) {
    if (this.near[0] !== revision) this.near = [revision, this.folded(revision)];
    return this.near[1];
  }

  folded(revision) {
    let known = revision - (revision % STRIDE);
    while (!this.marks.has(known)) known -= STRIDE;
    let values = new Map(this.marks.get(known));
    if (this.near[0] > known && this.near[0] <= revision) {
      known = this.near[0];
      values = new Map(this.near[1]);
    }
    for (let at = known + 1; at <= revision; at += 1) {
      const fold = FOLDS[this.type(at)];
      if (fold) fold(values, this.key(at), this.payload(at));
      if (at % STRIDE === 0) this.marks.set(at, new Map(values));
    }
    return values;
  }

  // What `timescape state --at REVISION --json` prints, a row each top key.
  rows(revision) {
    return [...this.stateAt(revision)].map(([key, value]) => {
      const write = this.lastWrite(key, revision);
      return {
        path: join([key]), value, revision: write,
        by: write ? this.by(write) : "", line: write ? this.line(write) : null,
      };
    });
  }

  lastWrite(key, revision) {
    const found = this.writes.get(key) || [];
    return found[placeOf(found, revision) - 1] ?? null;
  }

  // The last fact up to *revision* that came from a line of user code; 0: none did.
  lastWithLine(revision) {
    while (revision && !this.line(revision)) revision -= 1;
    return revision;
  }

  diff(from, to) {
    return differences(this.stateAt(from), this.stateAt(to));
  }

  // --- steps ---

  next(kind, revision) {
    const found = this.stopsOf(kind);
    return found[placeOf(found, revision)] ?? null;
  }

  previous(kind, revision) {
    const found = this.stopsOf(kind);
    return found[placeOf(found, revision - 1) - 1] ?? null;
  }

  stopsOf(kind) {
    return this.stops.get(kind) || [];
  }
}

function number(num) {
  return Number(num.text);
}

// How many of *rising* are at or before *revision*.
function placeOf(rising, revision) {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle] <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}

function readRecording(text) {
  const data = readJson(text);
  const [types, sites, names] = ["types", "sites", "names"].map((name) => data.get(name));
  const requests = data.get("requests").map((each) => new Recorded(each, types, sites, names));
  return { requests, sources: data.get("sources"), hidden: data.get("hidden"), data };
}
