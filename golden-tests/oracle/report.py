"""Disagreements, and what is kept of them: the spec, the request, both answers."""

import json
import re
import shutil
from collections import Counter
from typing import NamedTuple, Optional


class Disagreement(NamedTuple):
    """One place where the manual and the program say different things."""

    kind: str
    text: str
    request: Optional[str] = None


class Report:
    """Counts what was compared and keeps a few reproductions of each kind."""

    def __init__(self, folder, kept=3):
        self.folder = folder
        self.kept = kept
        self.compared = Counter()
        self.wrong = Counter()

    def count(self, what, number=1):
        """Notes that something was compared."""
        self.compared[what] += number

    def note(self, disagreement, specs, seed):
        """Keeps a disagreement with the specs that show it: name to folder."""
        self.wrong[disagreement.kind] += 1
        number = self.wrong[disagreement.kind]
        if self.kept < number:
            return
        place = self.folder / re.sub(r"[^a-z0-9-]", "-", disagreement.kind) / f"{number}-seed-{seed}"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name, source in specs.items():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("dist", "frozen", "*.log"))
        (place / "disagreement.json").write_text(json.dumps(disagreement._asdict(), indent=1, default=str) + "\n")

    def closing(self):
        """The last line."""
        parts = ", ".join(f"{number} {what}" for what, number in sorted(self.compared.items()))
        wrong = sum(self.wrong.values())
        if not wrong:
            return f"oracle: {parts}: 0 wrong"
        kinds = ", ".join(f"{kind} {number}" for kind, number in self.wrong.most_common())
        return f"oracle: {parts}: {wrong} wrong ({kinds}); reproductions in {self.folder}"
