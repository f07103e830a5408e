// generate_validate.mjs - cases for the strict validator: a rich schema, policies that mostly fit it.
//
// Types are generated, then expressions of a wanted type; now and then of another, or a name that is
// none, so that about half of the sets are wrong in one place.
import { Random, node, policyText } from "./generate.mjs";

const ATTRS = ["a", "b", "c", "e f", "if"];
const LITERALS = {
  ipaddr: ['ip("1.2.3.4")', 'ip("::1/64")', 'ip("bad")'],
  decimal: ['decimal("1.0")', 'decimal("2.5")', 'decimal("x")'],
  datetime: ['datetime("2024-01-01")', 'datetime("2024-01-01T00:00:00Z")', 'datetime("x")'],
  duration: ['duration("1d")', 'duration("2h3m")', 'duration("q")'],
};
const BOOL = { k: "Bool" }, LONG = { k: "Long" }, STRING = { k: "String" };
const ext = (n) => ({ k: "Ext", n });
const quoted = (n) => (/^[a-z]+$/.test(n) && n !== "if" ? n : JSON.stringify(n));
const member = (n) => (/^[a-z]+$/.test(n) && n !== "if" ? `.${n}` : `[${JSON.stringify(n)}]`);

function typeText(t) {
  if (t.k === "Set") return `Set<${typeText(t.of)}>`;
  if (t.k !== "Record") return t.n ?? t.k;
  return "{" + Object.entries(t.attrs).map(([n, a]) =>
    `${quoted(n)}${a.optional ? "?" : ""}: ${typeText(a.type)}`).join(", ") + "}";
}

class Plan {
  constructor(random) {
    this.r = random;
    this.names = ["A", "B", "C", "En", "N::D", "N::E"];
    this.entities = {};
    for (const n of this.names)
      this.entities[n] = n === "En" ? { attrs: {}, parents: [] } : { attrs: this.record(2).attrs,
        parents: this.names.filter((o) => random.chance(o === n ? 6 : 30)),
        tags: random.chance(40) ? this.type(1) : null };
    this.actions = [];
    for (const ns of ["", "N"])
      for (const id of ["view", "edit", "group", "all"])
        this.actions.push({ type: ns ? "N::Action" : "Action", ns, id: ns ? id + "N" : id, parents: [],
          principals: this.some(), resources: this.some(), context: this.record(2) });
    this.actions.forEach((a, i) => {
      a.parents = this.actions.slice(i + 1).filter(() => random.chance(25));
      if (!a.principals.length || !a.resources.length) a.principals = a.resources = [];
    });
  }
  some() {
    return this.names.filter(() => this.r.chance(30)).slice(0, 2);
  }
  record(d) {
    const attrs = {};
    for (const n of ATTRS)
      if (this.r.chance(45)) attrs[n] = { type: this.type(d), optional: this.r.chance(40) };
    return { k: "Record", attrs };
  }
  type(d) {
    const r = this.r, k = r.below(d > 0 ? 10 : 8);
    if (k < 2) return r.pick([LONG, STRING]);
    if (k < 3) return BOOL;
    if (k < 5) return { k: "Entity", n: r.pick(this.names) };
    if (k < 7) return ext(r.pick(Object.keys(LITERALS)));
    if (k < 8) return r.chance(30) ? { k: "Entity", n: r.pick(["Action", "N::Action"]) } : LONG;
    return k < 9 ? { k: "Set", of: this.type(d - 1) } : this.record(d - 1);
  }
  entityText(n) {
    const e = this.entities[n], bare = n.split("::").pop();
    if (n === "En") return 'entity En enum ["x", "y"];\n';
    return `entity ${bare} in [${e.parents.join(", ")}] = ${typeText({ k: "Record", attrs: e.attrs })}` +
      `${e.tags ? ` tags ${typeText(e.tags)}` : ""};\n`;
  }
  actionText(a) {
    const parents = a.parents.map((p) => `${p.type}::${JSON.stringify(p.id)}`).join(", ");
    const applies = a.principals.length ? ` appliesTo { principal: [${a.principals}], resource: ` +
      `[${a.resources}], context: ${typeText(a.context)} }` : "";
    return `action ${a.id}${parents ? ` in [${parents}]` : ""}${applies};\n`;
  }
  text() {
    const part = (ns) => this.names.filter((n) => n.startsWith("N::") === (ns === "N"))
      .map((n) => this.entityText(n)).join("") +
      this.actions.filter((a) => a.ns === ns).map((a) => this.actionText(a)).join("");
    return `${part("")}namespace N {\n${part("N")}}\n`;
  }
}

class Writer {
  constructor(plan, action) {
    this.plan = plan;
    this.r = plan.r;
    this.action = action;
    this.principal = this.r.pick(action.principals);
    this.resource = this.r.pick(action.resources);
    this.paths = [];
    this.guards = [];
    this.walk("principal", { k: "Entity", n: this.principal }, [], 2);
    this.walk("resource", { k: "Entity", n: this.resource }, [], 2);
    this.walk("context", action.context, [], 2);
    this.walk("action", { k: "Entity", n: action.type }, [], 0);
  }
  // Every way from a variable to a value, and what must be tested on the way.
  walk(from, type, guards, d) {
    this.paths.push({ from, type, guards });
    if (d <= 0) return;
    const attrs = type.k === "Record" ? type.attrs : this.plan.entities[type.n]?.attrs ?? {};
    for (const [n, a] of Object.entries(attrs))
      this.walk(from + member(n), a.type, a.optional ? [...guards, `${from} has ${quoted(n)}`] : guards, d - 1);
    const tags = type.k === "Entity" && this.plan.entities[type.n]?.tags;
    if (tags) this.walk(`${from}.getTag("k")`, tags, [...guards, `${from}.hasTag("k")`], d - 1);
  }
  take(fits) {
    const p = this.r.pick(this.paths.filter((q) => fits(q.type)));
    this.guards.push(...p.guards);
    return p;
  }
  uid(type) {
    const r = this.r;
    let t = type ?? r.pick(this.plan.names);
    if (r.chance(2)) t = "Nope";
    if (t === "En") return `En::"${r.chance(90) ? r.pick(["x", "y"]) : "z"}"`;
    if (!t.endsWith("Action")) return `${t}::"${r.pick(["a", "b"])}"`;
    const ids = this.plan.actions.filter((a) => a.type === t).map((a) => a.id);
    return `${t}::${JSON.stringify(r.chance(95) ? r.pick(ids) : "nope")}`;
  }
  expr(wanted, d) {
    const r = this.r, t = r.chance(3) ? this.plan.type(1) : wanted;
    if (r.chance(35) || d <= 0) {
      const found = this.paths.filter((p) => typeText(p.type) === typeText(t));
      if (found.length) {
        const p = r.pick(found);
        this.guards.push(...p.guards);
        return node(p.from);
      }
    }
    if (d > 1 && r.chance(8))
      return node("(if ", this.expr(BOOL, d - 1), " then ", this.expr(t, d - 1), " else ",
        this.expr(t, d - 1), ")");
    return this[`make${t.k}`](t, d);
  }
  makeLong(t, d) {
    const r = this.r;
    if (d > 0 && r.chance(30))
      return node("(", this.expr(t, d - 1), ` ${r.pick(["+", "-", "*"])} `, this.expr(t, d - 1), ")");
    if (d > 0 && r.chance(10)) return node(this.expr(ext("duration"), d - 1), ".toDays()");
    return r.chance(10) ? node("-(", this.expr(t, d - 1), ")") : node(String(r.below(5) - 1));
  }
  makeString() {
    return node(JSON.stringify(this.r.pick(["a", "b", ""])));
  }
  makeEntity(t) {
    return node(this.uid(t.n));
  }
  makeExt(t, d) {
    if (d > 0 && t.n === "datetime" && this.r.chance(20))
      return node(this.expr(t, d - 1), ".offset(", this.expr(ext("duration"), d - 1), ")");
    return node(LITERALS[t.n][this.r.chance(97) ? this.r.below(2) : 2]);
  }
  makeSet(t, d) {
    const count = this.r.chance(4) ? 0 : 1 + this.r.below(2);
    const parts = Array.from({ length: count }, (_, i) => [i ? ", " : "", this.expr(t.of, d - 1)]).flat();
    return node("[", ...parts, "]");
  }
  makeRecord(t, d) {
    const some = Object.entries(t.attrs).filter(([, a]) => !a.optional || this.r.chance(10));
    const parts = some.map(([n, a], i) => [`${i ? ", " : ""}${quoted(n)}: `, this.expr(a.type, d - 1)]).flat();
    return node("{", ...parts, "}");
  }
  makeBool(t, d) {
    const r = this.r, b = () => this.expr(BOOL, d - 1), of = (x) => this.expr(x, d - 1);
    if (d <= 0) return node(r.pick(["true", "false"]));
    const any = this.plan.type(1), set = { k: "Set", of: any };
    switch (r.below(19)) {
      case 0: return node("(", b(), " && ", b(), ")");
      case 1: return node("(", b(), " || ", b(), ")");
      case 2: return node("!(", b(), ")");
      case 3: case 4: return node("(", of(any), ` ${r.pick(["==", "!="])} `, of(any), ")");
      case 5: {
        const ordered = r.pick([LONG, LONG, ext("datetime"), ext("duration"), ext("decimal")]);
        return node("(", of(ordered), ` ${r.pick(["<", "<=", ">", ">="])} `, of(ordered), ")");
      }
      case 6: return node(of(set), ".contains(", of(any), ")");
      case 7: return node(of(set), `.${r.pick(["containsAll", "containsAny"])}(`, of(set), ")");
      case 8: return node(of(set), ".isEmpty()");
      case 9: return node("(", this.take((x) => x.k === "Entity" || x.k === "Record").from,
        ` has ${r.chance(30) ? `${r.pick("abc".split(""))}.${r.pick("abc".split(""))}` : quoted(r.pick(ATTRS))})`);
      case 10: case 11: return this.makeIn(d);
      case 12: {
        const p = this.take((x) => x.k === "Entity");
        const type = r.chance(40) ? p.type.n : r.pick([...this.plan.names, "Action", "N::Action"]);
        return node(`(${p.from} is ${type}${r.chance(30) ? ` in ${this.uid()}` : ""})`);
      }
      case 13: return node("(", of(STRING), ' like "a*")');
      case 14: return this.makeTagTest(d);
      case 15: return node(of(ext("ipaddr")), r.pick([".isIpv4()", '.isInRange(ip("1.0.0.0/8"))']));
      case 16: return node(of(ext("decimal")), ".lessThan(", of(ext("decimal")), ")");
      case 17: return node(r.pick(["true", "false"]));
      default: return node("(if ", b(), " then ", b(), " else ", b(), ")");
    }
  }
  makeIn(d) {
    const r = this.r, from = this.take((x) => x.k === "Entity").from;
    const n = r.chance(30) ? r.pick(["Action", "N::Action"]) : r.pick(this.plan.names);
    const entity = { k: "Entity", n };
    const above = [() => this.expr(entity, d - 1), () => node(`[${this.uid(n)}, ${this.uid(n)}]`),
      () => this.expr({ k: "Set", of: entity }, d - 1), () => node(this.uid(n))];
    return node(`(${from} in `, r.pick(above)(), ")");
  }
  makeTagTest(d) {
    const p = this.take((x) => x.k === "Entity"), key = this.r.pick(['"k"', '"j"']);
    const tags = this.plan.entities[p.type.n]?.tags ?? LONG;
    if (this.r.chance(50)) return node(`${p.from}.hasTag(${key})`);
    return node(`(${p.from}.hasTag(${key}) && ${p.from}.getTag(${key}) == `, this.expr(tags, d - 1), ")");
  }
  condition() {
    this.guards = [];
    const body = this.expr(BOOL, 3);
    const guards = this.r.chance(85) ? [...new Set(this.guards)] : [];
    return { word: this.r.chance(80) ? "when" : "unless", body: node(guards.map((g) => `${g} && `).join(""), body) };
  }
  place(word, type) {
    const r = this.r;
    if (r.chance(60)) return `${word} is ${type}`;
    const t = r.chance(70) ? type : r.pick(this.plan.names);
    return r.pick([word, `${word} == ${this.uid(t)}`, `${word} in ${this.uid()}`, `${word} is ${t}`,
      `${word} is ${t} in ${this.uid()}`]);
  }
  actions() {
    const r = this.r, one = () => this.uid(r.pick(["Action", "N::Action"]));
    if (r.chance(60)) return `action == ${this.action.type}::${JSON.stringify(this.action.id)}`;
    return r.pick(["action", `action in ${one()}`, `action in [${one()}, ${one()}]`]);
  }
  policy() {
    return { effect: this.r.pick(["permit", "forbid"]),
      scopes: [this.place("principal", this.principal), this.actions(), this.place("resource", this.resource)],
      conditions: Array.from({ length: this.r.below(3) }, () => this.condition()) };
  }
}

// A schema and one policy; nothing is asked of them but whether they go together.
export function makeValidationCase(seed) {
  const random = new Random(seed);
  const plan = new Plan(random);
  const live = plan.actions.filter((a) => a.principals.length);
  const policies = live.length ? [new Writer(plan, random.pick(live)).policy()] : [];
  return { seed, schema: plan.text(), policies, entities: [], requests: [] };
}

if (process.argv[1] === new URL(import.meta.url).pathname)
  for (let seed = 1; seed <= 3; seed++) {
    const c = makeValidationCase(seed);
    console.log(c.schema + c.policies.map(policyText).join("\n"));
  }
