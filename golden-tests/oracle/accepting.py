"""Who accepts a finding, by `docs/ownership.md`: a suppression in somebody's file takes effect, or is `foreign-suppression`.

Which findings there are is asked of `weft check`, with what each of them points at; whose that is and so who may accept it is decided here.
"""

from . import emit, findings, owners
from .owners import PLATFORM, TEAMS, Owners
from .report import Disagreement
from .spec import Mesh

HERE = set(
    """call-not-allowed dead-allow dead-deny dead-route deadline-budget excess-grant no-effect-route over-permissive partial-shadow
    redirect-to-nowhere tries-do-not-fit""".split()
)
OTHERS = {"grpc-http-overlap", "host-hides-wildcard"}
MESH = set(
    """amplification assertion-unknown cert-lifetime internet-reach permissive-hole plaintext-exposure plaintext-in-strict smart-pipe
    stale-exemption unproven-host vacuous-assertion""".split()
)
# Within a year of the day that `check` is told.
UNTIL = "2027-06-01"


class _Side:
    """As much of a side as owners need."""

    def __init__(self, mesh):
        self.mesh = mesh


class Accepting:
    """The owners of the definitions of a spec."""

    def __init__(self, mesh, made, places):
        self.owners = Owners(_Side(mesh), made)
        self.places = places

    def definition(self, line):
        """The route or service on a line of a file, or None for what is the platform's."""
        kind, name = findings.place_of(self.places, line)
        if kind in ("route", "rule"):
            return "route", name.split("/")[0]
        return ("service", name.split("/")[0]) if kind in ("service", "allow", "deny", "call") else None

    def owner(self, definition):
        """Who owns a definition."""
        if definition is None:
            return PLATFORM
        kind, name = definition
        return self.owners.of_route(name) if kind == "route" else self.owners.of_service(name)

    def harmed(self, line):
        """The owners whom a finding harms."""
        if line["code"] in MESH:
            return {PLATFORM}
        others = {self.owner(self.definition(label)) for label in line["labels"]}
        if line["code"] in OTHERS:
            return others
        here = {self.owner(self.definition(line))}
        return here if line["code"] in HERE else here | others

    def accepts(self, owner, line):
        """Whether somebody's file may accept a finding."""
        if owner == PLATFORM:
            return True
        harmed = self.harmed(line)
        return self.owner(self.definition(line)) == owner and harmed == {owner}


def rounds(bench, number, rng, spec):
    """A spec with owners, and somebody who accepts a finding of it."""
    made = owners.lists(rng, spec)
    place = bench.place(f"accepting-{number}")
    places = emit.write(owners.owned(spec, made), place)
    told = findings.Findings(bench.weft.check(place), places)
    accepting = Accepting(Mesh.read(place), made, places)
    able = [line for line in told.lines if line["severity"] != "error" and accepting.definition(line)]
    if told.errors() or not able:
        return
    chosen = rng.choice(able)
    definition = accepting.definition(chosen)
    who = accepting.owner(definition) if rng.random() < 0.5 else rng.choice([*TEAMS, PLATFORM])
    mine = [line for line in told.lines if line["code"] == chosen["code"] and accepting.definition(line) == definition]
    # What a definition takes from others lies at theirs, too.
    lying = [line for line in told.lines if line["code"] == chosen["code"] and line not in mine]
    if any(accepting.definition(label) == definition for line in lying for label in line["labels"]):
        return
    answers = {accepting.accepts(who, line) for line in mine}
    if len(answers) != 1:
        return
    made[who]["files"].append("accepted.yaml")
    spec = owners.owned(spec, made)
    places = emit.write(spec, place)
    entry = {"code": chosen["code"], "at": dict([definition]), "reason": "looked at", "owner": "a" if who == PLATFORM else who, "until": UNTIL}
    (place / "accepted.yaml").write_text(f"weft: v1\nsuppressions:\n  - {emit.flow(entry)}\n")
    after = findings.Findings(bench.weft.check(place), places)
    bench.report.count("findings accepted or not")
    bench.note(list(compare(who, entry, answers.pop(), mine, after)), {"spec": place}, number)


def compare(who, entry, is_able, mine, after):
    """Whether the suppression took effect where it may, and is an error where it may not."""
    is_foreign = bool(after.by_code.get("foreign-suppression"))
    if is_foreign == is_able:
        yield Disagreement("foreign-suppression", f"{who} accepts {entry}: may do so {is_able}, refused {is_foreign}")
    shown = [line for line in after.lines if "suppressed" not in line]
    left = [line for line in mine if any(_same(line, other) for other in shown)]
    if is_able and left and not is_foreign:
        yield Disagreement("suppression-in-vain", f"{who} accepts {entry}, and it is still said: {left[0]['message']}")


def _same(one, other):
    return all(one[key] == other[key] for key in ("code", "file", "line", "message"))
