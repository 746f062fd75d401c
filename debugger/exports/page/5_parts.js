// Pieces of the page. Recorded text only ever becomes text: nothing here reads markup.

function element(name, options = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (key === "text") made.textContent = value;
    else if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// A list of any length: only the rows in sight exist.
class Rows {
  constructor(host, height, make, chosen) {
    this.host = host;
    this.height = height;
    this.make = make;
    this.count = 0;
    this.body = element("div", { class: "rows", role: "presentation" });
    host.append(this.body);
    host.addEventListener("scroll", () => this.paint());
    host.addEventListener("click", (event) => {
      const row = event.target.closest("[data-row]");
      if (row) chosen(Number(row.dataset.row));
    });
    new ResizeObserver(() => this.paint()).observe(host);
  }

  show(count) {
    this.count = count;
    this.body.style.height = `${count * this.height}px`;
    this.paint();
  }

  reveal(index) {
    const [top, room] = [index * this.height, this.host.clientHeight];
    const margin = Math.min(3 * this.height, Math.max(0, (room - this.height) / 2));
    if (top - margin < this.host.scrollTop) this.host.scrollTop = Math.max(0, top - margin);
    const bottom = top + this.height + margin;
    if (bottom > this.host.scrollTop + room) this.host.scrollTop = bottom - room;
    this.paint();
  }

  paint() {
    const first = Math.max(0, Math.floor(this.host.scrollTop / this.height) - 4);
    const last = Math.min(this.count, first + Math.ceil(this.host.clientHeight / this.height) + 8);
    const rows = [];
    for (let index = first; index < last; index += 1) {
      const row = this.make(index);
      row.dataset.row = String(index);
      row.style.top = `${index * this.height}px`;
      rows.push(row);
    }
    this.body.replaceChildren(...rows);
  }
}

const LANES = [
  ["hook", "--dim", "hooks"], [MUTATION, "--blue", "changes"],
  ["effect", "--violet", "effects"], ["failure", "--orange", "failures"],
];

// Mutations, hooks, effects and failures as marks along the request, and where we are.
class Tracks {
  constructor(host, seek) {
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.slider = element("input", { type: "range", min: "0", step: "1", "aria-label": "moment" });
    host.append(this.canvas, this.slider);
    this.slider.addEventListener("input", () => seek(Number(this.slider.value)));
    new ResizeObserver(() => this.paint()).observe(host);
  }

  show(request, moment, base) {
    [this.request, this.moment, this.base] = [request, moment, base];
    this.slider.max = String(request.last);
    this.slider.value = String(moment);
    this.slider.setAttribute("aria-valuetext", request.sentence(moment));
    this.paint();
  }

  paint() {
    if (!this.request) return;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    const pen = this.canvas.getContext("2d");
    pen.scale(scale, scale);
    this.lanes(pen, width, height);
    this.line(pen, this.x(this.moment, width), height, "--strong", 2);
    if (this.base !== null) this.line(pen, this.x(this.base, width), height, "--blue", 1);
  }

  lanes(pen, width, height) {
    const tall = height / LANES.length;
    const wide = Math.max(1.5, Math.min(6, width / (this.request.last + 1) - 1));
    LANES.forEach(([kind, colour], lane) => {
      pen.fillStyle = colourOf(colour);
      for (const revision of this.request.stopsOf(kind)) {
        pen.fillRect(this.x(revision, width) - wide / 2, lane * tall + 1.5, wide, tall - 3);
      }
    });
  }

  line(pen, x, height, colour, wide) {
    pen.fillStyle = colourOf(colour);
    pen.fillRect(x - wide / 2, 0, wide, height);
  }

  x(revision, width) {
    const room = 8; // half of the slider's thumb
    return room + ((width - 2 * room) * revision) / Math.max(1, this.request.last);
  }
}

function colourOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}

function milliseconds(us) {
  return (us / 1000).toFixed(3);
}
