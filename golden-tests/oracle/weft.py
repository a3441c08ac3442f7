"""Calls of the programs under test; nothing else of Weft is used."""

import json
import subprocess


class Weft:
    """The command `weft`, with the values of a spec where it has some."""

    def __init__(self, program):
        self.program = str(program)

    def run(self, *arguments, folder=None):
        """What a command prints and how it ends."""
        return subprocess.run(
            [self.program, *map(str, arguments)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def values(self, folder):
        """The arguments that name the values of a spec."""
        path = folder / "values.yaml"
        return ["--values", path] if path.exists() else []

    def check(self, folder, *more):
        """The findings of a spec."""
        run = self.run("check", folder, "--info", "--format", "json", "--now", "2026-11-27", *self.values(folder), *more)
        return [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]

    def test(self, folder, *more):
        """The report of `weft test`, or None and what was said instead."""
        run = self.run("test", folder, "--format", "json", *self.values(folder), *more)
        for line in run.stdout.splitlines():
            if line.startswith('{"format":"weft.test'):
                return json.loads(line), run
        return None, run

    def diff(self, old, new, *more):
        """The report of `weft diff`, or None."""
        run = self.run("diff", old, new, "--format", "json", "--exit-code", *more)
        text = run.stdout[run.stdout.find('{"format":"weft.diff') :] if '{"format":"weft.diff' in run.stdout else ""
        return (json.loads(text.splitlines()[0]) if text else None), run

    def why(self, folder, request, headers=(), node=None, sender=None):
        """The answer of `weft why`, or None."""
        words = ["why", request, folder, "--format", "json", *self.values(folder)]
        for name, value in headers:
            words += ["-H", f"{name}: {value}"]
        if node:
            words += ["--node", node]
        if sender:
            words += ["--from", sender]
        run = self.run(*words)
        for line in run.stdout.splitlines():
            if line.startswith('{"format":"weft.why'):
                return json.loads(line), run
        return None, run

    def witness(self, folder):
        """The requests of `weft witness`."""
        run = self.run("witness", folder, "--format", "json", *self.values(folder))
        return [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")], run

    def calls(self, folder):
        """The relation of `weft calls`."""
        run = self.run("calls", "*", folder, "--format", "json", *self.values(folder))
        for line in run.stdout.splitlines():
            if line.startswith('{"format":"weft.calls'):
                return json.loads(line)["calls"]
        return None

    def build(self, folder, dist):
        """Whether a spec builds."""
        return self.run("build", folder, "-o", dist, "--generation", "1", *self.values(folder))
