#!/usr/bin/env bash
# PyYAML 6.0.3 and ruamel.yaml 0.19.1 (PyPI), yaml 2 and js-yaml 3 and 4 (npm); no network but for the packages.
#
# Believed: `1.10`, `01234`, `0x1F`, `1e3`, `1_000`, `12:30`, `yes` and `2026-12-31` without quotes are what they look like, and a file that one
#           reader of YAML takes is one that the others take.
# Seen:     each of them is a number, a boolean or a date to at least one reader, and a text to at least one other or to us; which are which
#           differs by reader. A reader that saves what it read writes `1.1`, `668`, `31`, `1000`, `750`, `true`. A tab between words stops PyYAML and
#           ruamel.yaml, brackets that go on at the column of their mapping stop `yaml` (and js-yaml 5), and a carriage return alone ends a line for
#           all but `yaml`. (Go's yaml.v3, which `yq` has, reads numbers as YAML 1.1 and 1.2 together, also `0X1F`; yaml.v2 reads `y` as true.)
#
# Ends with 0 while this is so, with 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyyaml==6.0.3 ruamel.yaml==0.19.1
cd "$folder"
npm init -y >npm.log
npm install --silent yaml@2 js-yaml@4 js-yaml3@npm:js-yaml@3 >>npm.log
cat > read.js <<'JAVASCRIPT'
const yaml = require('yaml'), four = require('js-yaml'), three = require('js-yaml3');
const readers = {
  'yaml 1.2': text => yaml.parse(text),
  'yaml 1.1': text => yaml.parse(text, { version: '1.1' }),
  'js-yaml 4': text => four.load(text),
  'js-yaml 3': text => three.safeLoad(text),
};
const kind = value =>
  value instanceof Date ? 'date' : value === null ? 'nothing' : typeof value === 'bigint' ? 'number' : typeof value;
const answers = JSON.parse(require('fs').readFileSync(0, 'utf8')).map(text =>
  Object.fromEntries(Object.entries(readers).map(([name, read]) => {
    try { return [name, kind(read(text).a)]; } catch { return [name, 'refused']; }
  })));
console.log(JSON.stringify(answers));
JAVASCRIPT
cat > read.py <<'PYTHON'
import datetime
import json
import subprocess
import sys
import warnings

import yaml
from ruamel.yaml import YAML

warnings.simplefilter("ignore")


def ruamel(version):
    def read(text):
        reader = YAML(typ="safe", pure=True)
        reader.version = version
        return reader.load(text)
    return read


READERS = {"PyYAML": yaml.safe_load, "ruamel 1.1": ruamel((1, 1)), "ruamel 1.2": ruamel((1, 2))}


def kind(read, text):
    try:
        value = read(text)["a"]
    except Exception:
        return "refused"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, (datetime.date, datetime.datetime)):
        return "date"
    return "string" if isinstance(value, str) else "nothing" if value is None else "object"


# What is read, and what some reader takes it for.
CASES = [
    *[(f"a: {text}\n", "number") for text in ["1.10", "01234", "0x1F", "1e3", "1_000", "12:30", "0o17", "0b101", "+5", ".5"]],
    *[(f"a: {text}\n", "boolean") for text in ["yes", "No", "on", "off", "y"]],
    *[(f"a: {text}\n", "date") for text in ["2026-12-31", "2026-12-31T10:00:00Z"]],
    *[(text, "refused") for text in ["a:\tb\n", "a: b\tc\n", "a: {b: 1,\nc: 2}\n", "a: \"x\ny\"\n", "a: b\rc: d\n", "a: =\n"]],
    *[(f"a: {text}\n", None) for text in ["1.2.3", "10%", "2s", "v1.10", "_1", "10:60", "8080:80"]],
]
texts = [text for text, _ in CASES]
answered = subprocess.run(["node", "read.js"], input=json.dumps(texts), capture_output=True, text=True, check=True)
as_before = True
for (text, expected), others in zip(CASES, json.loads(answered.stdout)):
    kinds = {name: kind(read, text) for name, read in READERS.items()} | others
    differing = {name: found for name, found in kinds.items() if found not in ("string", "object")}
    print(f"{text!r:32}", ", ".join(f"{name}: {found}" for name, found in differing.items()) or "a text to all")
    as_before &= (expected in kinds.values()) if expected else not differing
sys.exit(0 if as_before else 1)
PYTHON
"$folder/venv/bin/python" read.py
