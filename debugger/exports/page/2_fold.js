// Facts to user state, as `runtime.context.fold` does it: a fact that does not fit changes nothing.

const REDACTED = new Map([["$redacted", true]]);

class Misfit extends Error {}

function isRedacted(tree) {
  if (tree instanceof Map) {
    const whole = tree.size === 1 && tree.get("$redacted") === true;
    return whole || [...tree.values()].some(isRedacted);
  }
  return Array.isArray(tree) && tree.some(isRedacted);
}

function patched(tree, changes) {
  const own = new Set();
  let root = tree;

  function owned(node) {
    if (own.has(node) || !(node instanceof Map || Array.isArray(node))) return node;
    const copy = node instanceof Map ? new Map(node) : node.slice();
    own.add(copy);
    return copy;
  }

  function parentOf(path) {
    let node = (root = owned(root));
    for (const step of path.slice(0, -1)) {
      const inner = owned(childAt(node, step));
      put(node, step, inner);
      node = inner;
    }
    return node;
  }

  for (const change of changes) {
    const path = change.get("path");
    const op = change.get("op");
    if (path.length === 0) {
      if (op !== "replace") throw new Misfit(op);
      root = change.has("value") ? change.get("value") : null;
    } else {
      makeChange(parentOf(path), path[path.length - 1], op, change);
    }
  }
  return root;
}

function makeChange(parent, step, op, change) {
  const value = change.has("value") ? change.get("value") : null;
  if (op === "splice") {
    splice(parent, step, value, change.has("remove") ? Number(change.get("remove").text) : 0);
  } else if (op === "add") {
    if (!(parent instanceof Map) || typeof step !== "string" || parent.has(step)) {
      throw new Misfit(op);
    }
    parent.set(step, value);
  } else {
    childAt(parent, step);
    if (op === "replace") put(parent, step, value);
    else if (op === "remove" && parent instanceof Map) parent.delete(step);
    else throw new Misfit(op);
  }
}

function splice(parent, step, value, remove) {
  const start = step instanceof Num ? Number(step.text) : -1;
  if (!Array.isArray(parent) || !Array.isArray(value)) throw new Misfit("splice");
  if (start < 0 || remove < 0 || start + remove > parent.length) throw new Misfit("splice");
  // Not `splice(…, ...value)`: a long list has too many arguments for a call.
  const tail = parent.slice(start + remove);
  parent.length = start;
  for (const item of value) parent.push(item);
  for (const item of tail) parent.push(item);
}

function childAt(node, step) {
  if (node instanceof Map && typeof step === "string" && node.has(step)) return node.get(step);
  if (Array.isArray(node) && step instanceof Num) {
    const index = Number(step.text);
    if (index >= 0 && index < node.length) return node[index];
  }
  throw new Misfit("path");
}

function put(node, step, value) {
  if (node instanceof Map) node.set(step, value);
  else node[Number(step.text)] = value;
}

const FOLDS = {
  "context.set": (values, key, fact) => values.set(key, fact.get("value")),
  "context.edited": edited,
  "context.deleted": (values, key) => values.delete(key),
  "context.cleaned": (values) => values.clear(),
  "context.restored": restored,
};

function edited(values, key, fact) {
  try {
    if (!fact.get("created") && !values.has(key)) throw new Misfit("key");
    const before = fact.get("created") ? fact.get("default") ?? null : values.get(key);
    values.set(key, patched(before, fact.get("patch")));
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    if (values.has(key) && isRedacted(values.get(key))) values.set(key, REDACTED);
  }
}

function restored(values, key, fact) {
  let after;
  try {
    after = patched(new Map(values), fact.get("patch") ?? []);
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    for (const [name, value] of values) if (isRedacted(value)) values.set(name, REDACTED);
    return;
  }
  if (!(after instanceof Map)) return;
  values.clear();
  for (const [name, value] of after) values.set(name, value);
}
