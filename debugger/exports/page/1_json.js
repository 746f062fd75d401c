// JSON that comes back as it was: numbers keep their digits, objects the order of their keys.

class Num {
  constructor(text) {
    this.text = text;
  }
}

function readJson(text) {
  let at = 0;

  function string() {
    let end = text.indexOf('"', at + 1);
    while (isEscaped(end)) end = text.indexOf('"', end + 1);
    const quoted = text.slice(at, end + 1);
    at = end + 1;
    return quoted.includes("\\") ? JSON.parse(quoted) : quoted.slice(1, -1);
  }

  function isEscaped(quote) {
    let before = quote - 1;
    while (text[before] === "\\") before -= 1;
    return (quote - before) % 2 === 0;
  }

  function list() {
    const items = [];
    at += 1;
    while (text[at] !== "]") {
      items.push(value());
      if (text[at] === ",") at += 1;
    }
    at += 1;
    return items;
  }

  function object() {
    const fields = new Map();
    at += 1;
    while (text[at] !== "}") {
      const name = string();
      at += 1; // the colon
      fields.set(name, value());
      if (text[at] === ",") at += 1;
    }
    at += 1;
    return fields;
  }

  function word(name, meant) {
    at += name.length;
    return meant;
  }

  function number() {
    const start = at;
    while ("+-.0123456789eE".includes(text[at] || " ")) at += 1;
    return new Num(text.slice(start, at));
  }

  function value() {
    switch (text[at]) {
      case '"': return string();
      case "[": return list();
      case "{": return object();
      case "t": return word("true", true);
      case "f": return word("false", false);
      case "n": return word("null", null);
      default: return number();
    }
  }

  return value();
}

function writeJson(value) {
  if (value instanceof Num) return value.text;
  if (Array.isArray(value)) return "[" + value.map(writeJson).join(",") + "]";
  if (value instanceof Map) {
    const fields = [...value].map(([name, inner]) => JSON.stringify(name) + ":" + writeJson(inner));
    return "{" + fields.join(",") + "}";
  }
  return JSON.stringify(value);
}

function same(one, other) {
  return one === other || writeJson(one) === writeJson(other);
}
