"""muster policy check|fmt|eval|explain: Cedar on plain files, for anybody, without a server."""
import json
import shutil
import subprocess

import pytest
from conftest import BUILD, TOP

POLICIES = """
@id("report") permit (principal is Device, action == Action::"publish", resource is Topic)
when { principal in resource.device && context.bytes <= 100 };
@id("fit") forbid (principal, action, resource) when { principal.grade != "normal" };
"""
SCHEMA = """
entity Device = { grade: String };
entity Topic = { device: Device };
action publish appliesTo { principal: Device, resource: Topic, context: { bytes: Long } };
"""
ENTITIES = [
    {"uid": {"type": "Device", "id": "pump"}, "attrs": {"grade": "normal"}, "parents": []},
    {"uid": {"type": "Device", "id": "bad"}, "attrs": {"grade": "restricted"}, "parents": []},
    {"uid": {"type": "Topic", "id": "flow"}, "parents": [],
     "attrs": {"device": {"__entity": {"type": "Device", "id": "pump"}}}},
]


@pytest.fixture
def muster(folder):
    (folder / "p.cedar").write_text(POLICIES)
    (folder / "s.cedarschema").write_text(SCHEMA)
    (folder / "e.json").write_text(json.dumps(ENTITIES))

    def run(*args, **context):
        (folder / "c.json").write_text(json.dumps(context))
        return subprocess.run([BUILD / "src/ctl/muster", "policy", *args], cwd=folder, text=True,
                              capture_output=True, timeout=20)

    return run


ASK = ["p.cedar", "--schema", "s.cedarschema", "--entities", "e.json", "--context", "c.json",
       "--action", 'Action::"publish"', "--resource", 'Topic::"flow"', "--principal"]


def test_a_good_set_checks_and_a_typo_is_named_with_its_place(muster, folder):
    assert muster("check", "p.cedar", "--schema", "s.cedarschema").returncode == 0
    (folder / "p.cedar").write_text(POLICIES.replace("principal.grade", "principal.grad"))
    bad = muster("check", "p.cedar", "--schema", "s.cedarschema")
    assert bad.returncode == 2
    assert "p.cedar:4:" in bad.stdout and "grade" in bad.stdout
    (folder / "p.cedar").write_text("permit(principal, action);")
    assert muster("check", "p.cedar").returncode == 2


def test_a_request_is_decided_and_a_denial_ends_with_3(muster):
    allowed = muster("eval", *ASK, 'Device::"pump"', bytes=7)
    assert (allowed.returncode, allowed.stdout.splitlines()[0]) == (0, "allow")
    assert "report" in allowed.stdout
    denied = muster("eval", *ASK, 'Device::"bad"', bytes=7)
    assert (denied.returncode, denied.stdout.splitlines()[0]) == (3, "deny")
    assert "fit" in denied.stdout


def test_an_explanation_names_facts_and_what_would_change_it(muster):
    why = muster("explain", *ASK, 'Device::"bad"', bytes=7)
    assert 'principal.grade = "restricted"' in why.stdout
    large = muster("explain", *ASK, 'Device::"pump"', "--json", bytes=700)
    said = json.loads(large.stdout)
    assert (large.returncode, said["decision"]) == (3, "deny")
    assert said["nearest"][0]["id"] == "report"
    assert said["nearest"][0]["condition"] == "context.bytes <= 100"
    assert {"path": "context.bytes", "value": 700} in said["nearest"][0]["facts"]


def test_what_does_not_conform_is_refused(muster):
    assert muster("eval", *ASK, 'Device::"pump"', bytes="many").returncode == 2
    assert muster("eval", *ASK, 'Topic::"flow"', bytes=7).returncode == 2
    assert muster("eval", *ASK, "Device::pump", bytes=7).returncode == 2
    assert muster("eval", "absent.cedar").returncode in (2, 4)


def test_formatting_twice_changes_nothing(muster, folder):
    assert muster("fmt", "--check", "p.cedar").returncode == 2
    assert muster("fmt", "--write", "p.cedar").returncode == 0
    first = (folder / "p.cedar").read_text()
    assert muster("fmt", "--check", "p.cedar").returncode == 0
    assert muster("fmt", "p.cedar").stdout == first


def test_two_files_are_one_set(muster, folder):
    (folder / "q.cedar").write_text("permit(principal, action, resource);")
    said = json.loads(muster("eval", "q.cedar", *ASK, 'Device::"pump"', "--json", bytes=700).stdout)
    assert said["decision"] == "allow"
    assert [p["id"] for p in said["policies"]] == ["q.cedar#policy0"]


@pytest.fixture
def shipped(folder):
    """A copy of the policies we ship, to be damaged."""
    return shutil.copytree(TOP / "policies", folder / "policies")


def test_a_folder_is_checked_whole(muster, shipped):
    good = muster("check", "policies")
    assert (good.returncode, good.stderr) == (0, "")
    said = json.loads(muster("check", "policies/", "--json").stdout)
    assert said["files"] == len(list(shipped.glob("*.cedar"))) and said["errors"] == 0
    spaces = (shipped / "plant.spaces").read_text().splitlines()
    assert said["spaces"] == sum(line.startswith("space ") for line in spaces) > 0
    assert f"Good: {said['files']} files, {said['policies']} policies, {said['spaces']} spaces." in good.stdout


@pytest.mark.parametrize("file,old,new,place,says", [
    ("plant.cedar", "principal.grade", "principal.gradde", "plant.cedar:", "grade"),
    ("plant.cedar", "Space::telemetry", "Space::telemetri", "plant.cedar:", "telemetry"),
    ("plant.spaces", "space ", "spce ", "plant.spaces:", "space"),
    ("muster.cedarschema", "entity ", "entty ", "muster.cedarschema:", "entity"),
])
def test_a_damaged_folder_is_refused_with_the_place(muster, shipped, file, old, new, place, says):
    text = (shipped / file).read_text()
    at = next((o for o in (f"\n{old}", old) if o in text), None)
    assert at, f"{file} has no {old!r}: this test needs another typo"
    (shipped / file).write_text(text.replace(at, at.replace(old, new), 1))
    bad = muster("check", "policies")
    assert bad.returncode == 2
    said = bad.stdout + bad.stderr
    assert f"policies/{place}" in said and says in said, said


def test_a_folder_without_spaces_is_plain_cedar(muster, folder):
    alone = folder / "set"
    alone.mkdir()
    shutil.copy(folder / "p.cedar", alone)
    assert "no schema" in muster("check", "set").stdout
    shutil.copy(folder / "s.cedarschema", alone)
    assert muster("check", "set").stdout == "Good: 1 file, 2 policies.\n"
    assert muster("eval", "set", *ASK[3:], 'Device::"pump"', bytes=7).returncode == 0
    (alone / "p.cedar").unlink()
    empty = muster("check", "set")
    assert empty.returncode == 2 and "no file *.cedar" in empty.stderr
