// generate.mjs - random schemas, policies, entities and requests, the same for the same seed.
//
// A node of an expression is {parts: [text or node, ...]}: its text is what its parts say, and the
// reducer may put a node's child in its place.  Types direct the generation; now and then a wrong
// one is asked for, so that errors happen inside permits and forbids alike.  A tame world keeps to
// its schema, save for a rare slip: most of its policies are valid.

export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }
  next() {
    // mulberry32
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  below(n) {
    return this.next() % n;
  }
  chance(percent) {
    return this.below(100) < percent;
  }
  pick(list) {
    return list[this.below(list.length)];
  }
}

const LONGS = ["0", "1", "-1", "2", "3", "5", "7", "10", "100", "-100", "4611686018427387904",
  "9223372036854775807", "-9223372036854775808", "-9223372036854775807", "3037000500"];
const JSON_LONGS = [0, 1, -1, 2, 3, 5, 7, 10, 100, -100, 2147483648, 9007199254740991,
  -9007199254740991, 94906267];
const STRINGS = ["", "a", "ab", "abc", "abcabc", "aXb", "a*b", "*", "**", "x", "key", "tag", "10.0.0.1",
  "::1", "1.5", "1h", "2024-01-01", "ünï", "日本語", "a b", "a\"b", "a\\b", "a\nb", "\u0001", "😀", "'"];
const PATTERNS = ["*", "a*", "*c", "a*c", "*b*", "a\\*b", "abc", "", "*a*b*c*", "**", "a*a", "*日*",
  "\\**", "*\\*", "a\\\\b", "*ab*ab*", "*\\n*", "?", "a?c", "*😀"];
const IPS = ["127.0.0.1", "10.0.0.1", "10.1.2.3/8", "10.0.0.0/8", "224.0.0.1", "::1", "fe80::1",
  "ff02::1", "ff00::/8", "0.0.0.0/0", "::/0", "255.255.255.255", "192.168.0.0/16", "1.2.3.4/32"];
const BAD_IPS = ["10.0.0", "256.1.1.1", "10.0.0.1/33", ":::1", "", "a", "01.2.3.4", "::ffff:1.2.3.4",
  "1.2.3.4/08", "1.2.3.4/"];
const DECIMALS = ["0.0", "1.0", "-1.5", "1.1234", "922337203685477.5807", "-922337203685477.5808",
  "100.10", "0.0001", "-0.0"];
const BAD_DECIMALS = ["1", "1.", ".1", "1.12345", "922337203685477.5808", "", "a", "+1.0", "1.0e1",
  "-.5"];
const DATETIMES = ["2024-01-01", "2024-10-15T11:35:00Z", "1970-01-01", "2024-02-29T23:59:59.999Z",
  "1969-12-31T23:59:59.999Z", "2024-10-15T11:35:00.000+0130", "2024-10-15T00:00:00-2359",
  "0000-01-01", "9999-12-31T23:59:59Z", "1960-05-05T05:05:05Z"];
const BAD_DATETIMES = ["2023-02-29", "2024-13-01", "2024-1-1", "2024-01-01T", "2024-01-01T24:00:00Z",
  "2024-01-01T00:00:60Z", "2024-01-01T00:00:00", "", "2024-01-01T00:00:00.1Z",
  "2024-01-01T00:00:00+2400", "2024-01-01T00:00:00+0060"];
const DURATIONS = ["1h", "1d2h3m4s5ms", "0ms", "-1d", "90m", "36h", "106751991167d", "1ms",
  "-9223372036854775808ms", "9223372036854775807ms", "2d"];
const BAD_DURATIONS = ["", "1", "1x", "2h1d", "1d1d", "106751991168d", "-", "1.5h", "1h-2m", " 1h"];
const TEXTS = { ip: [IPS, BAD_IPS], decimal: [DECIMALS, BAD_DECIMALS],
  datetime: [DATETIMES, BAD_DATETIMES], duration: [DURATIONS, BAD_DURATIONS] };
const EXT = ["ip", "decimal", "datetime", "duration"];
const SCHEMA_NAME = { ip: "ipaddr", decimal: "decimal", datetime: "datetime", duration: "duration" };
const ATTRS = ["a", "b", "c", "d", "e", "odd name", "principal", "has", "x1", "ü"];
const IDS = ["alice", "bob", "", "with space", "q\"uote", "ünï", "0", "a::b"];

export function quote(s) {
  let out = '"';
  for (const c of s) {
    const code = c.codePointAt(0);
    if (c === '"' || c === "\\") out += "\\" + c;
    else if (c === "\n") out += "\\n";
    else if (code < 32) out += `\\u{${code.toString(16)}}`;
    else out += c;
  }
  return out + '"';
}

export function node(...parts) {
  return { parts };
}

export function text(n) {
  if (typeof n === "string") return n;
  let out = "";
  for (const p of n.parts) out += text(p);
  return out;
}

export const uidText = (u) => `${u.type}::${quote(u.id)}`;
const isIdent = (s) => /^[_a-zA-Z][_a-zA-Z0-9]*$/.test(s) &&
  !["true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"].includes(s);

export class World {
  constructor(random, withSchema) {
    this.r = random;
    this.withSchema = withSchema;
    this.tame = withSchema && random.chance(60);
    const ns = random.chance(30) ? "App::" : "";
    this.ns = ns;
    this.types = ["User", "Group", "Doc"].map((t) => ns + t);
    this.actionType = ns + "Action";
    this.pool = {};
    for (const t of this.types) {
      this.pool[t] = [];
      const count = 2 + random.below(t.endsWith("Group") ? 7 : 4);
      for (let i = 0; i < count; i++)
        this.pool[t].push({ type: t, id: i < 2 && random.chance(30) ? random.pick(IDS) + i : `${t.slice(-1)}${i}` });
    }
    this.shapes = {};
    for (const t of this.types) this.shapes[t] = this.shape(3);
    this.tags = {};
    for (const t of this.types) this.tags[t] = random.chance(60) ? this.type(1) : null;
    this.actions = ["view", "edit", "odd action"];
    this.actionGroups = ["all", "some"];
    this.actionParents = {};
    for (const a of this.actions)
      this.actionParents[a] = this.actionGroups.filter(() => random.chance(50));
    this.groupInGroup = random.chance(50);
    this.contexts = {};
    const shared = this.shape(2);
    for (const a of this.actions) this.contexts[a] = random.chance(80) ? shared : this.shape(2);
  }

  // --- types ---

  type(depth) {
    const r = this.r;
    const kinds = ["long", "long", "string", "bool", "entity", ...EXT];
    if (depth > 0) kinds.push("set", "record", "set", "record");
    const kind = r.pick(kinds);
    if (kind === "entity") return { kind, name: r.pick(this.types) };
    if (kind === "set") return { kind, of: this.type(depth - 1) };
    if (kind === "record") return { kind, attrs: this.shape(depth - 1) };
    return { kind };
  }
  shape(depth) {
    const attrs = {};
    const count = this.r.below(7);
    for (let i = 0; i < count; i++)
      attrs[this.r.pick(ATTRS)] = { type: this.type(depth - 1), optional: this.r.chance(35) };
    return attrs;
  }

  schemaType(t) {
    if (t.kind === "long") return "Long";
    if (t.kind === "string") return "String";
    if (t.kind === "bool") return "Bool";
    if (t.kind === "entity") return t.name;
    if (t.kind === "set") return `Set<${this.schemaType(t.of)}>`;
    if (t.kind === "record") return this.schemaRecord(t.attrs);
    return SCHEMA_NAME[t.kind];
  }
  schemaRecord(attrs) {
    return "{" + Object.entries(attrs)
      .map(([k, v]) => `${quote(k)}${v.optional ? "?" : ""}: ${this.schemaType(v.type)}`)
      .join(", ") + "}";
  }
  schemaText() {
    const [user, group, doc] = this.types.map((t) => t.slice(this.ns.length));
    const of = (t) => this.ns + t;
    const tags = (t) => (this.tags[of(t)] ? ` tags ${this.schemaType(this.tags[of(t)])}` : "");
    let out = "";
    out += `entity ${user} in [${group}] = ${this.schemaRecord(this.shapes[of(user)])}${tags(user)};\n`;
    out += `entity ${group}${this.groupInGroup ? ` in [${group}]` : ""} = ${this.schemaRecord(this.shapes[of(group)])}${tags(group)};\n`;
    out += `entity ${doc} in [${group}, ${doc}] = ${this.schemaRecord(this.shapes[of(doc)])}${tags(doc)};\n`;
    for (const g of this.actionGroups) out += `action ${quote(g)};\n`;
    for (const a of this.actions) {
      const parents = this.actionParents[a];
      out += `action ${quote(a)}${parents.length ? ` in [${parents.map(quote).join(", ")}]` : ""} appliesTo {` +
        ` principal: [${user}, ${group}], resource: [${doc}, ${user}],` +
        ` context: ${this.schemaRecord(this.contexts[a])} };\n`;
    }
    return this.ns ? `namespace App {\n${out}}\n` : out;
  }

  // --- values as JSON ---

  value(t, garbage) {
    const r = this.r;
    if (garbage && r.chance(6)) t = this.type(1);
    switch (t.kind) {
      case "long": return r.pick(JSON_LONGS);
      case "string": return r.pick(STRINGS);
      case "bool": return r.chance(50);
      case "entity": return { __entity: this.someone(t.name) };
      case "set": return Array.from({ length: r.below(4) }, () => this.value(t.of, garbage));
      case "record": return this.record(t.attrs, garbage);
      default: return { __extn: { fn: t.kind, arg: r.pick(TEXTS[t.kind][0]) } };
    }
  }
  record(attrs, garbage) {
    const out = {};
    for (const [k, v] of Object.entries(attrs))
      if (!(v.optional && this.r.chance(50)) && !(garbage && this.r.chance(8)))
        out[k] = this.value(v.type, garbage);
    return out;
  }
  someone(type) {
    return this.r.chance(7) ? { type, id: "nobody" } : this.r.pick(this.pool[type]);
  }

  entities() {
    const r = this.r, out = [], garbage = !this.withSchema;
    const group = this.types[1];
    for (const t of this.types) {
      this.pool[t].forEach((uid, i) => {
        if (r.chance(10)) return;
        const parents = [];
        const groupParents = t !== group || this.groupInGroup;
        // Groups are below groups of a higher number: deep, and never in a ring.
        if (groupParents)
          this.pool[group].forEach((g, k) => {
            if ((t !== group || k === i + 1 || (k > i && r.chance(25))) && r.chance(t === group ? 90 : 25))
              parents.push(g);
          });
        if (t === this.types[2])
          this.pool[t].forEach((d, k) => { if (k > i && r.chance(30)) parents.push(d); });
        const e = { uid, attrs: this.record(this.shapes[t], garbage), parents };
        if (this.tags[t] && r.chance(80)) {
          e.tags = {};
          for (const k of ["key", "tag", "a b", ""])
            if (r.chance(40)) e.tags[k] = this.value(this.tags[t], garbage);
        }
        out.push(e);
      });
    }
    if (!this.withSchema)
      for (const a of this.actions)
        if (r.chance(80))
          out.push({ uid: { type: this.actionType, id: a }, attrs: {},
            parents: this.actionParents[a].map((id) => ({ type: this.actionType, id })) });
    return out;
  }

  // Mostly one that some policy is about.
  request(policies) {
    const r = this.r;
    const about = r.chance(75) ? r.pick(policies).about : null;
    const action = about ? about.action : r.pick(this.actions);
    return {
      principal: this.someone(about ? about.principal : this.types[r.chance(80) ? 0 : 1]),
      action: { type: this.actionType, id: this.withSchema || r.chance(90) ? action : "unheard" },
      resource: this.someone(about ? about.resource : this.types[r.chance(80) ? 2 : 0]),
      context: this.record(this.contexts[action], !this.withSchema),
    };
  }

  // --- policies ---

  scope(v) {
    const r = this.r;
    const t = r.pick(this.types), g = r.chance(70) ? this.types[1] : t;
    switch (r.below(13)) {
      case 0: return `${v} == ${uidText(this.someone(t))}`;
      case 1: case 2: return `${v} in ${uidText(this.someone(g))}`;
      case 3: case 4: return `${v} is ${t}`;
      case 5: return `${v} is ${t} in ${uidText(this.someone(g))}`;
      default: return v;
    }
  }
  action(id) {
    return `${this.actionType}::${quote(id)}`;
  }
  actionScope() {
    const r = this.r, any = [...this.actions, ...this.actionGroups];
    switch (r.below(9)) {
      case 0: return `action == ${this.action(r.pick(this.actions))}`;
      case 1: return `action in ${this.action(r.pick(any))}`;
      case 2: return `action in [${any.filter(() => r.chance(40)).map((a) => this.action(a)).join(", ")}]`;
      default: return "action";
    }
  }
  policy() {
    const r = this.r;
    this.about = { principal: this.types[0], resource: this.types[2], action: this.actions[0] };
    const scopes = this.tame ? this.tameScopes()
      : [this.scope("principal"), this.actionScope(), this.scope("resource")];
    const conditions = Array.from({ length: r.pick([0, 1, 1, 1, 1, 2, 3]) }, () => ({
      word: r.chance(75) ? "when" : "unless",
      body: this.expr({ kind: "bool" }, 1 + r.below(5)),
    }));
    return { effect: r.chance(65) ? "permit" : "forbid", scopes, conditions, about: this.about };
  }
  // Types that go together, and an expression generator that knows them.
  tameScopes() {
    const r = this.r;
    const principal = r.pick([this.types[0], this.types[0], this.types[1]]);
    const resource = r.pick([this.types[2], this.types[2], this.types[0]]);
    const action = r.pick(this.actions);
    this.about = { principal, resource, action };
    const group = () => uidText(this.someone(this.types[1]));
    const side = (v, t) => r.pick([`${v} is ${t}`, `${v} is ${t}`, `${v} == ${uidText(this.someone(t))}`,
      `${v} is ${t} in ${group()}`]);
    return [side("principal", principal), `action == ${this.action(action)}`, side("resource", resource)];
  }

  // --- expressions ---

  expr(t, depth) {
    const r = this.r;
    if (this.tame ? r.below(300) === 0 : r.chance(3)) t = this.type(1);
    if (depth <= 0 || r.chance(12)) return this.leaf(t);
    if (r.chance(22)) {
      const path = this.path(t);
      if (path) return path;
    }
    if (r.chance(7))
      return node("(if ", this.expr({ kind: "bool" }, depth - 1), " then ", this.expr(t, depth - 1), " else ",
        this.expr(t, depth - 1), ")");
    if (r.chance(4)) // a field of a record just made
      return node("({", "a: ", this.expr(t, depth - 1), ", \"b c\": ", this.expr(this.type(0), depth - 2), "}.a)");
    const make = this[`make_${t.kind}`];
    return make ? make.call(this, t, depth - 1) : this.leaf(t);
  }

  leaf(t) {
    const r = this.r;
    if (r.chance(55)) {
      const path = this.path(t);
      if (path) return path;
    }
    switch (t.kind) {
      case "bool": return node(r.chance(50) ? "true" : "false");
      case "long": return node(`(${r.pick(LONGS)})`);
      case "string": return node(quote(r.pick(STRINGS)));
      case "entity":
        if (r.chance(40)) return node(r.pick(["principal", "resource"]));
        return node(uidText(this.someone(t.name)));
      case "set": {
        const parts = ["["];
        const count = this.tame ? 1 + r.below(3) : r.below(4);
        for (let i = 0; i < count; i++) parts.push(this.leaf(t.of), i < count - 1 ? ", " : "");
        return { parts: [...parts, "]"] };
      }
      case "record": return this.make_record(t, 0);
      default:
        return node(`${t.kind}(${quote(r.pick(TEXTS[t.kind][this.tame || r.chance(92) ? 0 : 1]))})`);
    }
  }

  // An attribute somewhere of that kind; the type of principal and resource is guessed.
  path(t) {
    const found = [];
    const visit = (at, attrs, depth) => {
      for (const [k, v] of Object.entries(attrs)) {
        if (this.tame && v.optional && this.r.below(100)) continue;
        const step = isIdent(k) ? `${at}.${k}` : `${at}[${quote(k)}]`;
        if (v.type.kind === t.kind && (!t.of || t.of.kind === v.type.of.kind)) found.push(step);
        if (v.type.kind === "record" && depth < 3) visit(step, v.type.attrs, depth + 1);
        if (v.type.kind === "entity" && depth < 2) visit(step, this.shapes[v.type.name], depth + 1);
      }
    };
    visit("principal", this.shapes[this.about.principal], 0);
    visit("resource", this.shapes[this.about.resource], 0);
    visit("context", this.contexts[this.about.action], 0);
    return found.length ? node(this.r.pick(found)) : null;
  }

  has(depth) {
    const r = this.r;
    const of = r.chance(70) ? node(r.pick(["principal", "resource", "context"]))
      : this.expr(r.chance(50) ? { kind: "entity", name: r.pick(this.types) } : { kind: "record", attrs: {} }, depth);
    const name = () => r.pick(ATTRS.filter(isIdent));
    const attr = r.chance(20) ? quote(r.pick(ATTRS)) : r.chance(25) ? `${name()}.${name()}` : name();
    return node("(", of, ` has ${attr})`);
  }
  guarded(depth) {
    // The common shape: ask first, then use.
    const r = this.r;
    if (this.tame) return this.guardedTame(depth);
    const v = r.pick(["principal", "resource", "context"]), a = r.pick(ATTRS.filter(isIdent));
    return node(`(${v} has ${a} && `, node(`${v}.${a} ${r.pick(["==", "!=", "<", ">="])} `,
      this.leaf(this.type(0))), ")");
  }

  guardedTame(depth) {
    const r = this.r;
    const v = r.pick(["principal", "resource", "context"]);
    const attrs = v === "context" ? this.contexts[this.about.action] : this.shapes[this.about[v]];
    const optional = Object.keys(attrs).filter((k) => attrs[k].optional);
    const tags = v !== "context" && this.tags[this.about[v]];
    if (tags && r.chance(50)) {
      const key = r.pick(['"key"', '"tag"', "context.k"]);
      return node(`(${v}.hasTag(${key}) && `, node(`${v}.getTag(${r.chance(95) ? key : '"other"'}) == `,
        this.expr(tags, depth - 1)), ")");
    }
    if (!optional.length) return this.leaf({ kind: "bool" });
    const a = r.pick(optional), b = r.chance(95) ? a : r.pick(optional);
    const at = (k) => (isIdent(k) ? `${v}.${k}` : `${v}[${quote(k)}]`);
    const use = node(`${at(b)} == `, this.expr(attrs[b].type, depth - 1));
    const has = `${v} has ${isIdent(a) ? a : quote(a)}`;
    return r.pick([() => node(`(${has} && `, use, ")"), () => node(`(if ${has} then `, use, " else false)"),
      () => node(`(!(${has}) || `, use, ")"), () => node(`((${has} || ${has}) && `, use, ")")])();
  }

  make_bool(t, d) {
    const r = this.r;
    const long = { kind: "long" }, set = { kind: "set", of: this.type(1) };
    const user = { kind: "entity", name: r.pick(this.types) };
    const two = (a, op, b) => node("(", this.expr(a, d), ` ${op} `, this.expr(b, d), ")");
    const call = (a, name, ...args) => {
      const parts = [this.receiver(a, d), `.${name}(`];
      args.forEach((b, i) => parts.push(i ? ", " : "", this.expr(b, d)));
      return { parts: [...parts, ")"] };
    };
    const some = this.type(1);
    switch (r.below(24)) {
      case 0: case 1: return two(t, "&&", t);
      case 2: case 3: return two(t, "||", t);
      case 4: return node("!(", this.expr(t, d), ")");
      case 5: case 6: return two(some, r.pick(["==", "!="]), some);
      case 7: return two(long, r.pick(["<", "<=", ">", ">="]), long);
      case 8: return two(long, r.pick(["<", "<=", ">", ">="]), long);
      case 9: {
        const k = { kind: r.pick(["datetime", "duration"]) };
        return two(k, r.pick(["<", "<=", ">", ">="]), k);
      }
      case 10: return two(user, "in", { kind: "entity", name: this.types[1] });
      case 11: return two(user, "in", { kind: "set", of: { kind: "entity", name: this.types[1] } });
      case 12: return node("(", this.expr(user, d), ` is ${r.pick(this.types)}`,
        ...(r.chance(40) ? [" in ", this.expr({ kind: "entity", name: this.types[1] }, d)] : []), ")");
      case 13: return this.has(d);
      case 14: return this.guarded(d);
      case 15: case 16: return node("(", this.expr({ kind: "string" }, d), ` like "${r.pick(PATTERNS)}")`);
      case 17: return call(set, "contains", set.of);
      case 18: return call(set, r.pick(["containsAll", "containsAny"]), set);
      case 19: return call(set, "isEmpty");
      case 20: return call({ kind: "decimal" }, r.pick(["lessThan", "lessThanOrEqual", "greaterThan",
        "greaterThanOrEqual"]), { kind: "decimal" });
      case 21: return call({ kind: "ip" }, r.pick(["isIpv4", "isIpv6", "isLoopback", "isMulticast"]));
      case 22: return call({ kind: "ip" }, "isInRange", { kind: "ip" });
      default: return call(user, "hasTag", { kind: "string" });
    }
  }
  receiver(t, d) {
    return node("(", this.expr(t, d), ")");
  }
  tag(t, d) {
    if (this.tame && this.r.below(50)) return this.leaf(t);
    const key = this.r.chance(60) ? node(this.r.pick(['"key"', '"tag"'])) : this.expr({ kind: "string" }, d);
    return node(this.receiver({ kind: "entity", name: this.r.pick(this.types) }, d), ".getTag(", key, ")");
  }
  make_long(t, d) {
    const r = this.r;
    const two = (op) => node("(", this.expr(t, d), ` ${op} `, this.expr(t, d), ")");
    switch (r.below(9)) {
      case 0: case 1: return two("+");
      case 2: case 3: return two("-");
      case 4: case 5: return two("*");
      case 6: return node("-(", this.expr(t, d), ")");
      case 7: return this.tag(t, d);
      default: return node(this.receiver({ kind: "duration" }, d), `.${r.pick(["toMilliseconds", "toSeconds",
        "toMinutes", "toHours", "toDays"])}()`);
    }
  }
  make_string(t, d) {
    return this.r.chance(30) ? this.tag(t, d) : this.leaf(t);
  }
  make_entity(t, d) {
    return this.r.chance(15) ? this.tag(t, d) : this.leaf(t);
  }
  make_set(t, d) {
    const parts = ["["];
    const count = this.tame ? 1 + this.r.below(3) : this.r.below(4);
    for (let i = 0; i < count; i++) parts.push(this.expr(t.of, d), i < count - 1 ? ", " : "");
    return { parts: [...parts, "]"] };
  }
  make_record(t, d) {
    const parts = ["{"];
    const names = Object.keys(t.attrs);
    names.forEach((k, i) => parts.push(`${quote(k)}: `, this.expr(t.attrs[k].type, d), i < names.length - 1 ? ", " : ""));
    return { parts: [...parts, "}"] };
  }
  make_ext(t, d) {
    // Made from a string that is found when it runs.
    if (this.tame && this.r.below(50)) return this.leaf(t);
    return this.r.chance(25) ? node(`${t.kind}(`, this.expr({ kind: "string" }, d), ")") : this.leaf(t);
  }
  make_ip(t, d) { return this.make_ext(t, d); }
  make_decimal(t, d) { return this.make_ext(t, d); }
  make_datetime(t, d) {
    const r = this.r;
    if (r.chance(40)) return node(this.receiver(t, d), ".offset(", this.expr({ kind: "duration" }, d), ")");
    return r.chance(25) ? node(this.receiver(t, d), ".toDate()") : this.make_ext(t, d);
  }
  make_duration(t, d) {
    const r = this.r;
    const when = { kind: "datetime" };
    if (r.chance(30)) return node(this.receiver(when, d), ".durationSince(", this.expr(when, d), ")");
    return r.chance(25) ? node(this.receiver(when, d), ".toTime()") : this.make_ext(t, d);
  }
}

export function policyText(p) {
  return `${p.effect}(${p.scopes.join(", ")})` +
    p.conditions.map((c) => ` ${c.word} { ${text(c.body)} }`).join("") + ";";
}

// One set of policies and entities, with some requests.
export function makeCase(seed, requests) {
  const random = new Random(seed);
  const world = new World(random, random.chance(50));
  const policies = Array.from({ length: 1 + random.below(world.tame ? 4 : 7) }, () => world.policy());
  return { seed, schema: world.withSchema ? world.schemaText() : null, policies,
    entities: world.entities(), requests: Array.from({ length: requests }, () => world.request(policies)) };
}

// As both sides read it.
export function plainCase(c) {
  return { schema: c.schema, entities: c.entities, requests: c.requests,
    policies: typeof c.policies === "string" ? c.policies : c.policies.map(policyText).join("\n") };
}
