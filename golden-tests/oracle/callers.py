"""Whom an entry of `from` names: one caller, or all of a kind."""

# Who is no part of any spec and has an identity of the trust domain all the same.
STRANGERS = ["gateway/other", "service/other", "tool/other"]
KINDS = ["service/*", "gateway/*", "mesh"]


def named(entries, node):
    """Whether a list of callers names the node with this identity."""
    return any(entry == node or has_kind(entry, node) for entry in entries)


def has_kind(entry, node):
    """Whether an entry stands for a kind that the node is of: `service/*` is one segment, `mesh` the trust domain."""
    if entry == "mesh":
        return True
    kind, _, name = node.partition("/")
    return entry == f"{kind}/*" and "/" not in name


def known(mesh):
    """All callers that entries tell apart: the nodes of a spec, and a stranger of each kind."""
    return mesh.gateways + [f"service/{name}" for name in mesh.services] + STRANGERS
