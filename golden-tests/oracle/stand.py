"""A spec that runs: its snapshot, a proxy for every node, servers behind them; all on loopback."""

import socket
import subprocess
import sys
import time
from pathlib import Path

from .keys import Keys


def free_ports(number):
    """Ports on which nobody listens now."""
    held = []
    for _ in range(number):
        one = socket.socket()
        one.bind(("127.0.0.1", 0))
        held.append(one)
    found = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return found


class Ground:
    """What all stands of a run share: ports by name, servers, keys."""

    SERVICES = ("s0", "s1", "s2")

    def __init__(self, folder, proxy):
        self.proxy = proxy
        self.keys = Keys(folder / "keys")
        for name in ("c1", "c2"):
            self.keys.certificate(name)
        names = [f"{name}.{kind}" for name in self.SERVICES for kind in ("inbound", "outbound", "app", "outside", "v2")]
        names += [f"{gateway}.{at}" for gateway in ("g", "h") for at in (0, 1)]
        self._ports = dict(zip(names, free_ports(len(names))))
        words = []
        for name in self.SERVICES:
            words += [f"{name}:{self.port(f'{name}.app')}", f"{name}:{self.port(f'{name}.outside')}"]
            words.append(f"{name}@v2:{self.port(f'{name}.v2')}")
        self.origins = subprocess.Popen(
            [sys.executable, "-m", "oracle.origins", *words],
            cwd=Path(__file__).parent.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        self.origins.stdout.readline()

    def port(self, name):
        """The port of this name."""
        return self._ports[name]

    def close(self):
        """Stops the servers."""
        self.origins.stdin.close()
        self.origins.wait(timeout=10)
        self.origins.stdout.close()


def is_open(mesh, listener):
    """Whether somebody listens: some listener of the port has a route."""
    return any(one.table for one in mesh.listeners if (one.node, one.port) == (listener.node, listener.port))


class Stand:
    """The proxies of one spec."""

    def __init__(self, ground, mesh, dist, log):
        self.proxies = []
        self.log = open(log, "wb")  # noqa: SIM115: closed with the stand
        nodes = {node: self._gateway_ports(mesh, node) for node in mesh.gateways}
        for service in mesh.services:
            if mesh.has_sidecar(service):
                sides = mesh.services[service]["sidecar"]
                # Without calls there is nothing to send, and nobody listens for it.
                opened = [side for side in sides if side == "inbound" or mesh.calls(service)]
                nodes[f"service/{service}"] = [int(sides[side].split(":")[1]) for side in opened]
        for node in nodes:
            words = [ground.proxy, "--snapshot", dist, "--node", node, "--identity-dir", ground.keys.identity(node)]
            words += ["--admin", "off", "--access-log", "off", "--workers", "1", "--log-filter", "warn"]
            self.proxies.append(
                # The proxy of the tests ends with its parent, which it notices by its standard input.
                subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE, stdout=self.log, stderr=self.log)
            )
        try:
            for ports in nodes.values():
                for port in ports:
                    self._await(port)
        except RuntimeError:
            self.close()
            raise

    def _said(self):
        """The end of what the proxies logged."""
        self.log.flush()
        return Path(self.log.name).read_text(errors="replace")[-600:]

    @staticmethod
    def _gateway_ports(mesh, node):
        return sorted({one.port for one in mesh.listeners if one.node == node and is_open(mesh, one)})

    def _await(self, port):
        until = time.monotonic() + 15
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if until < time.monotonic() or any(proxy.poll() is not None for proxy in self.proxies):
                    raise RuntimeError(f"nobody listens on port {port}: {self._said()}") from None
                time.sleep(0.01)

    def close(self):
        """Ends the proxies, each by its own process."""
        for proxy in self.proxies:
            proxy.kill()
        for proxy in self.proxies:
            proxy.wait()
            proxy.stdin.close()
        self.log.close()
