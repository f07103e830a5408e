// peer.mjs - cedar-wasm on the bench's requests: pre-parsed policies, the entities each concerns.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const cedar = createRequire(import.meta.url)("@cedar-policy/cedar-wasm/nodejs");
const folder = process.argv[2];
const read = (name) => readFileSync(`${folder}/${name}`, "utf8");

const set = cedar.preparsePolicySet("set", { staticPolicies: read("policies.cedar"), templates: {}, templateLinks: [] });
if (set.type === "failure") throw new Error(JSON.stringify(set.errors));
const calls = JSON.parse(read("slices.json")).map((q) => ({ ...q, preparsedPolicySetId: "set", validateRequest: false }));
const ask = (call) => cedar.statefulIsAuthorized(call).response;
for (const call of calls.slice(0, 50)) ask(call);
const ROUNDS = 5;
let decisions = "", best = Infinity;
for (let round = 0; round < ROUNDS; round++) {
  const times = [];
  decisions = "";
  for (const call of calls) {
    const start = process.hrtime.bigint();
    const got = ask(call);
    times.push(Number(process.hrtime.bigint() - start));
    decisions += got.decision === "allow" ? "a" : "d";
  }
  times.sort((a, b) => a - b);
  best = Math.min(best, times[times.length >> 1]);
}
console.log(JSON.stringify({ p50_ns: best, decisions }));
