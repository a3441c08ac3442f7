"""YAML as the manual has it: of the words of YAML 1.1 none is a boolean, a date or a number to the base 60."""

import re

import yaml

BASE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(BASE):
    """A loader with the plain scalars of YAML 1.2."""

    yaml_implicit_resolvers = {}


Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|false)$"), list("tf"))
Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789"))
Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+\.[0-9]+$"), list("-+0123456789"))
Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(~|null|)$"), ["~", "n", ""])


def load(source):
    """The one document of a text."""
    return yaml.load(source, Loader)  # noqa: S506: the loader is a safe one
