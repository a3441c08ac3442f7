"""One round of each kind: a spec, its findings, its requests, its claims; a pair and its diff."""

import random
import shutil

from . import accepting, asking, claiming, claims, diffing, edges, edits, emit, findings, generate, mutants, owning, policies, repair, sameness, templates
from .report import Disagreement
from .spec import Mesh


class Bench:
    """What all rounds share."""

    def __init__(self, weft, space, report, folder, seed):
        self.weft = weft
        self.space = space
        self.report = report
        self.folder = folder
        self.seed = seed

    def place(self, name):
        """A fresh folder."""
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        return place

    def random(self, what, number):
        """Chance of its own for each round, so that any can be repeated alone."""
        return random.Random(f"{self.seed}/{what}/{number}")

    def note(self, found, specs, number):
        """Keeps what a round found."""
        for disagreement in found:
            self.report.note(disagreement, specs, f"{self.seed}-{number}")


def options():
    """Ports are numbers that nobody listens on."""
    known = {}
    return generate.Options(ports=lambda name: known.setdefault(name, 20_000 + len(known)))


def raw_spec(bench, number):
    """A spec as chance has it: what `weft check` says about its rules."""
    rng = bench.random("raw", number)
    spec = generate.spec(rng, options())
    place = bench.place(f"raw-{number}")
    places = emit.write(spec, place)
    mesh = Mesh.read(place)
    told = findings.Findings(bench.weft.check(place), places)
    bench.report.count("specs checked")
    bench.note(findings.compare(mesh, told, bench.space), {"spec": place}, number)
    bench.note(edges.certificates(mesh, told), {"spec": place}, number)
    bench.note(edges.loops(mesh, bench.space, told), {"spec": place}, number)
    if not told.errors() & {"ambiguous-routes", "identical-routes"}:
        bench.note(policies.compare(mesh, told, bench.space), {"spec": place}, number)


def sound_spec(bench, number, requests, assertions=30):
    """A spec that should be accepted: its findings, requests and assertions."""
    rng = bench.random("sound", number)
    chosen = options()
    spec = repair.repaired(generate.spec(rng, chosen), bench.space)
    if spec is None:
        return
    place = bench.place(f"sound-{number}")
    mesh = Mesh([spec])
    asked = _asked(rng, mesh, bench.space, requests)
    spec["tests"] = [test for _, _, test in asked]
    if rng.random() < 0.3:
        spec = templates.templated(rng, spec)
    places = emit.write(spec, place)
    told, run = bench.weft.test(place)
    if told is None:
        rejected(bench, number, spec, run)
        return
    bench.report.count("specs accepted")
    bench.report.count("requests", len(asked))
    for (query, made, _), result in zip(asked, told["tests"]):
        said = asking.disagrees(made, result)
        if said:
            bench.note([Disagreement(_kind(mesh, query, made), said, str((query, made)))], {"spec": place}, number)
    checked = findings.Findings(bench.weft.check(place), places)
    bench.note(findings.compare(mesh, checked, bench.space), {"spec": place}, number)
    bench.note(policies.compare(mesh, checked, bench.space), {"spec": place}, number)
    bench.note(edges.shadows(mesh, bench.space, checked), {"spec": place}, number)
    bench.note(edges.witnesses(mesh, bench.space, bench.weft.witness(place)[0]), {"spec": place}, number)
    bench.note(list(edges.whys(bench, rng, mesh, place, 4)), {"spec": place}, number)
    bench.note(policies.relation(mesh, bench.space, bench.weft.calls(place)), {"spec": place}, number)
    _claims(bench, rng, spec, chosen, number, assertions)


def _kind(mesh, query, made):
    if query[3].method in ("TRACE", "CONNECT"):
        return "never-forwarded"
    if made.rule and next(rule for rule in mesh.rules() if rule.id == made.rule).has_idle_backend:
        return "idle-backend"
    return "request"


def _asked(rng, mesh, space, number):
    asked = []
    for at, query in enumerate(asking.sample(rng, mesh, space, number)):
        _, made = asking.answer(mesh, space, *query)
        test = asking.as_test(mesh, f"t{at}", *query, made)
        if test:
            asked.append((query, made, test))
    return asked


def rejected(bench, number, spec, run):
    """A spec that the oracle accepts and the compiler does not."""
    place = bench.place(f"rejected-{number}")
    spec = {key: value for key, value in spec.items() if key not in ("tests", "assert")}
    places = emit.write(spec, place)
    findings_of = findings.Findings(bench.weft.check(place), places)
    codes = sorted(findings_of.errors())
    text = "; ".join(line["message"] for line in findings_of.lines if line["severity"] == "error") or (run.stdout + run.stderr)[-800:]
    bench.note([Disagreement("rejects-" + ("-".join(codes) or "all"), text)], {"spec": place}, number)


def _claims(bench, rng, spec, chosen, number, assertions):
    mesh = Mesh([spec], spec.get("values"))
    stated = list(claims.random_claims(rng, mesh, chosen, assertions))
    spec = {**spec, "assert": stated}
    spec.pop("tests", None)
    place = bench.place(f"claims-{number}")
    places = emit.write(spec, place)
    told = findings.Findings(bench.weft.check(place), places)
    found = claims.compare(claims.Judge(mesh, bench.space), stated, told)
    bench.report.count("assertions", len(stated))
    bench.note(found, {"spec": place}, number)


def pair(bench, number):
    """A spec and an edit of it: what `weft diff` says."""
    rng = bench.random("pair", number)
    chosen = options()
    old = repair.repaired(generate.spec(rng, chosen), bench.space)
    new = old and repair.repaired(edits.edited(rng, old, chosen)[0], bench.space)
    if not new:
        return
    place = bench.place(f"pair-{number}")
    emit.write(old, place / "old")
    emit.write(new, place / "new")
    told, run = bench.weft.diff(place / "old", place / "new")
    if told is None:
        in_old = bench.weft.run("build", place / "old", "-o", place / "dist", "--generation", "1").returncode
        rejected(bench, number, old if in_old else new, run)
        return
    bench.report.count("pairs")
    if not told["complete"]:
        return
    sides = [diffing.Side(Mesh.read(place / name), bench.space) for name in ("old", "new")]
    specs = {"old": place / "old", "new": place / "new"}
    bench.note(diffing.compare(*sides, told), specs, number)
    _same(bench, rng, new, place, sides, number)
    owning.rounds(bench, number, bench.random("owners", number), old, new)
    claiming.rounds(bench, number, bench.random("claimed", number), old)
    accepting.rounds(bench, number, bench.random("accepting", number), old)


def _same(bench, rng, new, place, sides, number):
    """The old side as a snapshot beside the new one, and an assertion that nothing changes."""
    if bench.weft.build(place / "old", place / "same" / "frozen").returncode:
        return
    region = {"host": rng.choice(generate.HOSTS)} if rng.random() < 0.4 else {}
    claim = {"name": "same", "same": {"as": "frozen", **({"for": region} if region else {})}}
    places = emit.write({**new, "assert": [claim]}, place / "same")
    told = findings.Findings(bench.weft.check(place / "same"), places)
    is_open = any(told.of(code, "assert", "same") for code in ("assertion-unknown", "vacuous-assertion"))
    is_proved = None if is_open else not told.of("assertion-refuted", "assert", "same")
    bench.report.count("assertions")
    bench.note(sameness.compare(*sides, region, is_proved), {"old": place / "old", "new": place / "same"}, number)


def mutated(bench, number):
    """A spec with a few tests: what `weft test --mutate` says they would notice."""
    rng = bench.random("mutants", number)
    chosen = options()
    mutants.rounds(bench, number, rng, chosen, generate.spec(rng, chosen))
