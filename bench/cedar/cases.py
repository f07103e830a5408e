"""cases.py - a plant's policies, entities and requests, as many as asked for.

Both sides of the bench read the same files.  A request's resource is a topic bound to entities: it
exists for that request alone (resourceEntity) and is in no store.
"""
import json
import random

SMALL = """
@id("connect")
permit (principal is Device, action == Action::"connect", resource is Gate)
when { principal.site == resource.site && principal.assurance >= 1 };
@id("report")
permit (principal is Device, action == Action::"publish", resource is Space::s0)
when { principal in resource.device && context.payloadBytes <= 65536 && !context.retain };
@id("alerts")
permit (principal is Device, action == Action::"publish", resource is Space::s1)
when { principal in resource.device && context.qos >= 1 };
@id("commands")
permit (principal is Device, action in [Action::"receive", Action::"subscribe"], resource is Space::s2)
when { principal in resource.device };
@id("operators")
permit (principal is Service in Group::"operators", action == Action::"publish", resource is Space::s2)
when { context.payloadBytes <= 4096 && principal.site == resource.site };
@id("history")
permit (principal is Service in Group::"historians",
        action in [Action::"receive", Action::"subscribe"], resource is Space::s0);
@id("fit")
forbid (principal, action in [Action::"receive", Action::"subscribe"], resource is Space::s2)
when { principal.grade != "normal" };
@id("isolated")
forbid (principal, action, resource) when { principal.grade == "isolated" };
@id("posture")
forbid (principal is Device, action == Action::"publish", resource is Space::s0)
when { principal has posture && principal.posture.score < 20 };
@id("night")
forbid (principal is Service, action == Action::"publish", resource is Space::s2)
when { !context.sourceIp.isInRange(ip("10.0.0.0/8")) };
"""


def uid(kind, name):
    return {"type": kind, "id": name}


def home(group, spaces):
    """The space a group mostly works in."""
    return group * 7 % spaces


def policy_text(count, spaces, sites, groups):
    """The small set, then policies whose scopes lie side by side: per group, space and site."""
    out = [SMALL]
    for i in range(count - 10):
        group, site = f"group-{i % groups}", f"site-{i % sites}"
        space = f"Space::s{home(i % groups, spaces)}"
        out.append([
            f'permit (principal in Group::"{group}", action == Action::"publish", resource is {space})\n'
            f"when {{ principal in resource.device && context.payloadBytes <= {1000 + i} }};\n",
            f'permit (principal is Service in Group::"{group}", action == Action::"receive",'
            f' resource is {space})\nwhen {{ resource.site == Site::"{site}" }};\n',
            f'forbid (principal == Device::"device-{i * 7}", action, resource)\n'
            f'when {{ principal.grade != "normal" }};\n',
            f'permit (principal in Group::"{group}", action in [Action::"receive", Action::"subscribe"],'
            f" resource is {space})\nwhen {{ principal.site == resource.site && context.qos <= 1 }};\n",
            f'forbid (principal in Group::"{group}", action == Action::"publish", resource is {space})\n'
            f"when {{ context.retain && principal.risk > {i % 90} }};\n",
        ][i % 5])
    return "".join(out)


def schema_text(spaces):
    shape = "{ site: Site, device: Device }"
    names = [f"Space::s{i}" for i in range(spaces)]
    context = ("{ qos: Long, retain: Bool, payloadBytes: Long, sourceIp: ipaddr, gate: String,"
               " stateAge: Long }")
    return "\n".join([
        "entity Site; entity Group; entity Model; entity Gate = { site: Site };",
        "entity Device in [Group, Site, Model] = { site: Site, grade: String, risk: Long,"
        " assurance: Long, attested: Bool, firmware: String,"
        ' posture?: { score: Long, encrypted: Bool } };',
        "entity Service in [Group] = { site: Site, grade: String, risk: Long, assurance: Long };",
        "namespace Space {", *[f"entity s{i} = {shape};" for i in range(spaces)], "}",
        *[f'action {a} appliesTo {{ principal: [Device, Service], resource: [{", ".join(names)}, Gate],'
          f" context: {context} }};" for a in ("connect", "publish", "receive", "subscribe")],
    ]) + "\n"


class Plant:
    def __init__(self, policies, devices, requests, seed=1):
        self.r = random.Random(seed)
        self.spaces = 3 if policies <= 10 else 40
        self.sites = 50
        self.groups = 20 if policies <= 10 else max(199, policies // 5 - 1)
        self.policies = policy_text(policies, self.spaces, self.sites, self.groups)
        self.schema = schema_text(self.spaces)
        self.devices = [self.device(i) for i in range(devices)]
        self.services = [self.service(i) for i in range(100)]
        self.requests = [self.request() for _ in range(requests)]

    def site(self, i):
        return {"__entity": uid("Site", f"site-{i % self.sites}")}

    def device(self, i):
        r = self.r
        attrs = {"site": self.site(i), "grade": r.choices(["normal", "restricted", "isolated"],
                                                          [97, 2, 1])[0],
                 "risk": r.randrange(100), "assurance": r.randrange(5), "attested": True,
                 "firmware": f"1.{i % 9}"}
        if i % 3:
            attrs["posture"] = {"score": r.randrange(100), "encrypted": bool(i % 2)}
        return {"uid": uid("Device", f"device-{i}"), "attrs": attrs,
                "parents": [uid("Group", f"group-{i % self.groups}"), uid("Group", "all"),
                            uid("Site", f"site-{i % self.sites}"), uid("Model", f"model-{i % 12}")]}

    def service(self, i):
        return {"uid": uid("Service", f"service-{i}"),
                "attrs": {"site": self.site(i), "grade": "normal", "risk": 0, "assurance": 2},
                "parents": [uid("Group", f"group-{i % self.groups}"),
                            uid("Group", "historians" if i % 2 else "operators")]}

    def others(self):
        out = [{"uid": uid("Site", f"site-{i}"), "attrs": {}, "parents": []}
               for i in range(self.sites)]
        out += [{"uid": uid("Group", f"group-{i}"), "attrs": {}, "parents": []}
                for i in range(self.groups)]
        out += [{"uid": uid("Group", g), "attrs": {}, "parents": []}
                for g in ("all", "historians", "operators")]
        out += [{"uid": uid("Model", f"model-{i}"), "attrs": {}, "parents": []} for i in range(12)]
        return out

    def entities(self):
        return self.devices + self.services + self.others()

    def request(self):
        r = self.r
        who = r.choice(self.devices) if r.random() < 0.8 else r.choice(self.services)
        of = who if who["uid"]["type"] == "Device" and r.random() < 0.9 else r.choice(self.devices)
        action = r.choices(["publish", "receive", "subscribe"], [6, 3, 1])[0]
        group = int(who["parents"][0]["id"].removeprefix("group-"))
        space = home(group, self.spaces) if r.random() < 0.7 else r.randrange(self.spaces)
        space = f"Space::s{space}"
        topic = uid(space, f"plant/{of['uid']['id']}/{r.randrange(10)}")
        return {"principal": who["uid"], "action": uid("Action", action), "resource": topic,
                "resourceEntity": {"uid": topic, "parents": [],
                                   "attrs": {"site": of["attrs"]["site"],
                                             "device": {"__entity": of["uid"]}}},
                "context": {"qos": r.randrange(2), "retain": r.random() < 0.05,
                            "payloadBytes": r.choice([20, 200, 2000, 200000]), "stateAge": 3,
                            "gate": "gate-1",
                            "sourceIp": {"__extn": {"fn": "ip", "arg": f"10.0.{r.randrange(9)}.7"}}}}

    def write(self, folder):
        (folder / "policies.cedar").write_text(self.policies)
        (folder / "schema.cedarschema").write_text(self.schema)
        (folder / "entities.json").write_text(json.dumps(self.entities()))
        (folder / "requests.json").write_text(json.dumps(self.requests))

    def slices(self, count):
        """Requests with just the entities each can concern: the kindest to the peer."""
        by_uid = {(e["uid"]["type"], e["uid"]["id"]): e for e in self.entities()}
        out = []
        for q in self.requests[:count]:
            wanted = [q["principal"], q["resourceEntity"]["attrs"]["device"]["__entity"]]
            seen = {}
            while wanted:
                u = wanted.pop()
                e = by_uid.get((u["type"], u["id"]))
                if e and (u["type"], u["id"]) not in seen:
                    seen[u["type"], u["id"]] = e
                    wanted += e["parents"]
            plain = {k: q[k] for k in ("principal", "action", "resource", "context")}
            out.append({**plain, "entities": [*seen.values(), q["resourceEntity"]]})
        return out
