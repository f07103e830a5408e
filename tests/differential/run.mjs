// run.mjs - generated cases through both implementations; every difference is reduced and printed.
//
// A case is one request decided under one set of policies and entities.  Compared: whether policies,
// schema and entities are readable at all, the decision, the determining policies, the failing
// policies, and the verdict of strict validation where there is a schema.
//
// The reference rounds JSON integers beyond 2^53: generated data stays within; literals in policy
// text do not.
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { makeCase, plainCase } from "./generate.mjs";
import { makeValidationCase } from "./generate_validate.mjs";
import { createRequire } from "node:module";

const cedar = createRequire(import.meta.url)("@cedar-policy/cedar-wasm/nodejs");
const here = fileURLToPath(new URL(".", import.meta.url));
const REQUESTS = 4, BATCH = 100, VALIDATIONS = 5; // every fifth case only asks whether it is valid

function options(argv) {
  const o = { driver: `${here}../../build/tests/differential/differential`, seed: 1, keep: false,
    cases: process.env.MUSTER_LONG === "1" ? 200000 : 5000 };
  for (let i = 0; i < argv.length; i++) {
    if (argv[i] === "--driver") o.driver = argv[++i];
    else if (argv[i] === "--cases") o.cases = Number(argv[++i]);
    else if (argv[i] === "--seed") o.seed = Number(argv[++i]);
    else if (argv[i] === "--keep") o.keep = true;
    else {
      console.error("usage: run [--driver PROGRAM] [--cases N] [--seed N] [--keep]");
      process.exit(2);
    }
  }
  return o;
}

// --- the reference ---

const messages = (errors) => errors.map((e) => e.message).join("; ");

function referenceRequest(c, q) {
  const call = { ...q, entities: c.entities, preparsedPolicySetId: "set", validateRequest: false };
  if (c.schema) call.preparsedSchemaName = "schema";
  const got = cedar.statefulIsAuthorized(call);
  if (got.type === "failure") return { error: messages(got.errors) };
  const { decision, diagnostics } = got.response;
  return { decision, reason: [...diagnostics.reason].sort(),
    errors: diagnostics.errors.map((e) => e.policyId).sort() };
}

function reference(c) {
  const policies = { staticPolicies: c.policies, templates: {}, templateLinks: [] };
  const set = cedar.preparsePolicySet("set", policies);
  if (set.type === "failure") return { error: `policies: ${messages(set.errors)}` };
  let valid = null;
  if (c.schema) {
    const schema = cedar.preparseSchema("schema", c.schema);
    if (schema.type === "failure") return { error: `schema: ${messages(schema.errors)}` };
    const v = cedar.validate({ schema: c.schema, policies });
    valid = v.type === "success" ? v.validationErrors.length === 0 : null;
  }
  const results = c.requests.map((q) => referenceRequest(c, q));
  const bad = results.find((r) => r.error);
  return bad ? { error: `entities: ${bad.error}` } : { results, valid };
}

// --- ours ---

class Ours {
  constructor(program) {
    this.child = spawn(program, [], { stdio: ["pipe", "pipe", "inherit"] });
    this.waiting = [];
    this.child.on("exit", (code, signal) => {
      for (const w of this.waiting) w(JSON.stringify({ error: `the driver ended: ${code ?? signal}`, died: true }));
      this.waiting = [];
      this.ended = true;
    });
    createInterface({ input: this.child.stdout }).on("line", (line) => this.waiting.shift()(line));
  }
  ask(c) {
    if (this.ended) return Promise.resolve({ error: "the driver has ended", died: true });
    return new Promise((done) => {
      this.waiting.push((line) => done(JSON.parse(line)));
      this.child.stdin.write(JSON.stringify(c) + "\n");
    });
  }
  end() {
    this.child.stdin.end();
  }
}

// --- comparing ---

function difference(ref, our) {
  if (our.died) return our.error;
  if (ref.error || our.error) {
    if (ref.error && our.error) return null;
    return ref.error ? `only the reference refuses: ${ref.error}` : `only we refuse: ${our.error}`;
  }
  for (let i = 0; i < ref.results.length; i++) {
    const a = ref.results[i], b = our.results[i];
    if (b.error) return `request ${i}: we refuse: ${b.error}`;
    if (b.self) return `request ${i}: we differ from ourselves: ${b.self}`;
    b.reason.sort();
    b.errors.sort();
    for (const what of ["decision", "reason", "errors"])
      if (String(a[what]) !== String(b[what]))
        return `request ${i}: ${what}: the reference says ${JSON.stringify(a[what])}, we ${JSON.stringify(b[what])}`;
  }
  if (our.valid !== undefined && ref.valid !== null && our.valid !== ref.valid)
    return `validation: the reference says ${ref.valid}, we ${our.valid}: ${our.invalid ?? ""}`;
  return null;
}

async function differs(ours, c) {
  const plain = plainCase(c);
  return difference(reference(plain), await ours.ask(plain));
}

// --- reducing: the same kind of difference from less ---

const kindOf = (d) => d.replace(/request \d+/, "").replace(/".*/s, "").slice(0, 34);

function* smaller(c) {
  for (const list of ["requests", "policies", "entities"])
    for (let i = 0; i < c[list].length; i++)
      if (list !== "requests" || c.requests.length > 1)
        yield { ...c, [list]: c[list].filter((_, k) => k !== i) };
  for (let p = 0; p < c.policies.length; p++) yield* smallerPolicy(c, p);
  for (let i = 0; i < c.entities.length; i++) {
    const e = c.entities[i];
    const put = (n) => ({ ...c, entities: c.entities.map((x, k) => (k === i ? n : x)) });
    for (let k = 0; k < e.parents.length; k++)
      yield put({ ...e, parents: e.parents.filter((_, j) => j !== k) });
    for (const a of Object.keys(e.attrs)) {
      const attrs = { ...e.attrs };
      delete attrs[a];
      yield put({ ...e, attrs });
    }
  }
}

function* smallerPolicy(c, p) {
  const policy = c.policies[p];
  const put = (n) => ({ ...c, policies: c.policies.map((x, k) => (k === p ? n : x)) });
  for (let i = 0; i < 3; i++) {
    const bare = ["principal", "action", "resource"][i];
    if (policy.scopes[i] !== bare)
      yield put({ ...policy, scopes: policy.scopes.map((s, k) => (k === i ? bare : s)) });
  }
  for (let i = 0; i < policy.conditions.length; i++) {
    yield put({ ...policy, conditions: policy.conditions.filter((_, k) => k !== i) });
    for (const body of smallerNode(policy.conditions[i].body))
      yield put({ ...policy, conditions: policy.conditions.map((x, k) => (k === i ? { ...x, body } : x)) });
  }
}

function* smallerNode(n) {
  if (typeof n === "string") return;
  for (const p of n.parts) if (typeof p !== "string") yield p;
  if (n.parts.length > 1) yield { parts: ["true"] };
  for (let i = 0; i < n.parts.length; i++)
    for (const s of smallerNode(n.parts[i]))
      yield { parts: n.parts.map((x, k) => (k === i ? s : x)) };
}

async function reduce(ours, c, kind) {
  for (let again = true, tries = 0; again && tries < 5000;) {
    again = false;
    for (const s of smaller(c)) {
      if (++tries > 5000) break;
      const d = await differs(ours, s);
      if (d && kindOf(d) === kind) {
        c = s;
        again = true;
        break;
      }
    }
  }
  return c;
}

// --- the run ---

async function keptCases(ours) {
  let bad = 0, count = 0;
  for (const name of readdirSync(`${here}kept`).filter((n) => n.endsWith(".json")).sort()) {
    const c = JSON.parse(readFileSync(`${here}kept/${name}`, "utf8"));
    const d = difference(reference(c), await ours.ask(c));
    count += c.requests.length;
    if (d) {
      console.log(`kept/${name}: ${d}`);
      bad++;
    }
  }
  return { bad, count };
}

async function report(ours, c, d, keep) {
  const kind = kindOf(d);
  const least = plainCase(await reduce(ours, c, kind));
  console.log(`seed ${c.seed}: ${d}\n${JSON.stringify(least, null, 1)}`);
  if (keep) writeFileSync(`${here}kept/seed-${c.seed}.json`, JSON.stringify(least, null, 1) + "\n");
}

async function main() {
  const o = options(process.argv.slice(2));
  mkdirSync(`${here}kept`, { recursive: true });
  const ours = new Ours(o.driver);
  const kept = await keptCases(ours);
  let bad = kept.bad, done = kept.count, refused = 0, allowed = 0, failing = 0, valid = 0, invalid = 0;
  const start = Date.now();
  for (let seed = o.seed; done < o.cases && bad < 10;) {
    const batch = Array.from({ length: BATCH }, (_, i) =>
      i % VALIDATIONS ? makeCase(seed++, REQUESTS) : makeValidationCase(seed++));
    const plain = batch.map(plainCase);
    const answers = plain.map((c) => ours.ask(c));
    for (let i = 0; i < batch.length; i++) {
      const ref = reference(plain[i]);
      const d = difference(ref, await answers[i]);
      done += ref.error ? 0 : Math.max(1, batch[i].requests.length);
      refused += ref.error ? 1 : 0;
      valid += ref.valid === true;
      invalid += ref.valid === false;
      for (const r of ref.results ?? []) {
        allowed += r.decision === "allow";
        failing += r.errors.length > 0;
      }
      if (d && bad++ < 10) await report(ours, batch[i], d, o.keep);
    }
  }
  ours.end();
  console.log(`${done} cases from seed ${o.seed} against cedar-wasm ${cedar.getCedarSDKVersion()}: ` +
    `${bad} differences (${allowed} allowed, ${failing} with errors, ${refused} sets refused by both, ` +
    `${valid} sets valid, ${invalid} not; ${((Date.now() - start) / 1000).toFixed(1)} s)`);
  process.exit(bad ? 1 : 0);
}

await main();
