// What values are made of, what differs between two states, and values as text.

function envelope(tree) {
  if (!(tree instanceof Map) || tree.size !== 1) return null;
  const tag = tree.keys().next().value;
  return tag.startsWith("$") ? tag : null;
}

function partsOf(tree) {
  switch (envelope(tree)) {
    case "$obj": return tree.get("$obj")[1];
    case "$dict": return new Map(tree.get("$dict").map(([key, value]) => [writeJson(key), value]));
    case "$tuple": return tree.get("$tuple");
    case null: return tree instanceof Map || Array.isArray(tree) ? tree : null;
    default: return null;
  }
}

function join(tokens) {
  return tokens.map((each) => "/" + each.replaceAll("~", "~0").replaceAll("/", "~1")).join("");
}

function differences(before, after) {
  const found = [];
  fieldsDiffer(before, after, [], found);
  return found;
}

function fieldsDiffer(before, after, at, found) {
  const kept = inPlace(before, after);
  for (const [key, old] of before) {
    if (!kept.has(key)) found.push({ sign: "-", path: join([...at, key]), before: old, after: null });
  }
  for (const key of kept) valuesDiffer(before.get(key), after.get(key), [...at, key], found);
  for (const [key, value] of after) {
    if (!kept.has(key)) found.push({ sign: "+", path: join([...at, key]), before: null, after: value });
  }
}

// The order is part of a value: a key that went behind another was removed and added again.
function inPlace(before, after) {
  const places = new Map([...before.keys()].map((key, place) => [key, place]));
  const kept = new Set();
  let reached = -1;
  for (const key of after.keys()) {
    const place = places.get(key) ?? -1;
    if (place <= reached) break;
    kept.add(key);
    reached = place;
  }
  return kept;
}

function valuesDiffer(old, now, at, found) {
  if (old === now) return;
  if (alike(old, now)) {
    const [oldParts, newParts] = [partsOf(old), partsOf(now)];
    if (oldParts instanceof Map && newParts instanceof Map) {
      return fieldsDiffer(oldParts, newParts, at, found);
    }
    if (Array.isArray(oldParts) && Array.isArray(newParts)) {
      return itemsDiffer(oldParts, newParts, at, found);
    }
  }
  if (!same(old, now)) found.push({ sign: "~", path: join(at), before: old, after: now });
}

function alike(old, now) {
  const tag = envelope(old);
  if (tag !== envelope(now) || tag === "$tuple") return false;
  if (old instanceof Map !== now instanceof Map || Array.isArray(old) !== Array.isArray(now)) return false;
  return tag !== "$obj" || same(old.get("$obj")[0], now.get("$obj")[0]);
}

function itemsDiffer(old, now, at, found) {
  const shorter = Math.min(old.length, now.length);
  let start = 0;
  while (start < shorter && same(old[start], now[start])) start += 1;
  let end = 0;
  while (end < shorter - start && same(old[old.length - 1 - end], now[now.length - 1 - end])) end += 1;
  if (old.length === now.length) {
    for (let i = start; i < old.length - end; i += 1) valuesDiffer(old[i], now[i], [...at, String(i)], found);
    return;
  }
  for (let i = start; i < old.length - end; i += 1) {
    found.push({ sign: "-", path: join([...at, String(i)]), before: old[i], after: null });
  }
  for (let i = start; i < now.length - end; i += 1) {
    found.push({ sign: "+", path: join([...at, String(i)]), before: null, after: now[i] });
  }
}

// --- as text ---

const HIDDEN = new RegExp(
  "[\\p{Cc}\\p{Cf}\\p{Cn}\\p{Co}\\p{Cs}\\p{Zl}\\p{Zp}" +
    "\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u3164\\ufe00-\\ufe0f\\uffa0]",
  "gu",
);
const MOST = 4096;

function printable(text) {
  return text.replace(HIDDEN, (char) => {
    if (char === "\n") return "\\n";
    if (char === "\t") return "\\t";
    return "\\u{" + char.codePointAt(0).toString(16) + "}";
  });
}

function shown(value, most = MOST) {
  const text = printable(textOf(value, most + 1));
  return text.length > most ? text.slice(0, most) + "…" : text;
}

function textOf(value, room) {
  if (typeof value === "string") return JSON.stringify(value.slice(0, room));
  if (Array.isArray(value)) return "[" + textOfAll(value, room) + "]";
  if (!(value instanceof Map)) return writeJson(value);
  const tag = envelope(value);
  return tag === null ? "{" + textOfFields(value, room) + "}" : textOfTagged(tag, value.get(tag), room);
}

function textOfAll(items, room) {
  const texts = [];
  for (const item of items) {
    if (room <= 0) break;
    texts.push(textOf(item, room));
    room -= texts[texts.length - 1].length + 2;
  }
  return texts.join(", ");
}

function textOfFields(fields, room, sign = ": ") {
  const texts = [];
  for (const [name, value] of fields) {
    if (room <= 0) break;
    const key = typeof name === "string" ? JSON.stringify(name) : textOf(name, room);
    texts.push(key + sign + textOf(value, room));
    room -= texts[texts.length - 1].length + 2;
  }
  return texts.join(", ");
}

function textOfTagged(tag, inner, room) {
  if (tag === "$redacted" || tag === "$sealed" || tag === "$forgotten") return `<${tag.slice(1)}>`;
  if (tag === "$tuple") return "(" + textOfAll(inner, room) + ")";
  if (tag === "$set" || tag === "$frozenset") return "{" + textOfAll(inner, room) + "}";
  if (tag === "$dict") return "{" + textOfFields(inner, room) + "}";
  if (tag === "$obj") return className(inner[0]) + "(" + textOfFields(inner[1], room) + ")";
  if (tag === "$enum") return className(inner[0]) + "." + inner[1];
  return typeof inner === "string" ? inner.slice(0, room) : tag.slice(1) + " " + textOf(inner, room);
}

function className(name) {
  return String(name).split(/[.:]/).pop();
}
