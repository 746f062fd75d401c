// Talks to a served shop by its generated client: node talk.mjs TYPESCRIPT client.ts ADDRESS
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [, , typescript, source, baseUrl] = process.argv;
const ts = createRequire(import.meta.url)(typescript);
const options = { target: "es2022", module: "es2022" };
const { outputText } = ts.transpileModule(readFileSync(source, "utf-8"), { compilerOptions: options });
const made = source.replace(/\.ts$/, ".mjs");
writeFileSync(made, outputText);

const { Client, NotFound } = await import(pathToFileURL(made).href);
const client = new Client({ baseUrl });
const cart = { cart: "cart 1/2", body: { items: [{ sku: "tea", quantity: 2 }] } };
const priced = await client.putCartsCart(cart);
const answer = await client.raw.putCartsCart(cart);
const missing = await client
  .putCartsCart({ cart: "c", body: { items: [{ sku: "no", quantity: 1 }] } })
  .catch((error) => error);
const version = answer.headers.get("timescape-version");
console.log(JSON.stringify({ priced, version, code: missing.code, known: missing instanceof NotFound }));
