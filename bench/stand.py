"""A mesh on loopback for measurements: a spec, identities, and proxies of a release build that end with us."""
import json
import os
import random
import re
import socket
import subprocess
import time
import urllib.request

import specs


TAKEN = set()


def free_port():
    """A port on which nobody listens, from below the range of outgoing connections."""
    while True:
        port = random.randrange(20_000, 30_000)
        if port in TAKEN:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        TAKEN.add(port)
        return port


class Stand:
    """Proxies for every node of the spec in `spec`; `work` is a folder for all that they need."""

    def __init__(self, spec, work, bin, domain, certificate_hosts=("shop.example",), more=()):
        self.spec, self.work, self.bin, self.domain = spec, work, bin, domain
        self.more, self.processes, self.admin = list(more), {}, {}
        text = "".join(open(os.path.join(spec, name)).read() for name in sorted(os.listdir(spec)) if name.endswith(".yaml"))
        self.ports = {name: free_port() for name in dict.fromkeys(re.findall(r"\{\{ *ports\.(\w+) *\}\}", text))}
        os.makedirs(f"{work}/certificates", exist_ok=True)
        specs.write(f"{work}/values.yaml", f"folder: {work}/certificates\nports:\n" +
                    "".join(f"  {name}: {port}\n" for name, port in self.ports.items()))
        self.build()
        listing = json.loads(subprocess.run([f"{bin}/weft", "inspect", f"{work}/dist"], check=True, capture_output=True, text=True).stdout)
        nodes = listing["nodes"]
        self.nodes = list(nodes) if isinstance(nodes, dict) else [entry["node"] for entry in nodes]
        specs.identities(f"{work}/ids", self.nodes, domain)
        specs.certificate(f"{work}/ids", f"{work}/certificates/shop", certificate_hosts)

    def build(self):
        out = subprocess.run([f"{self.bin}/weft", "build", self.spec, "--values", f"{self.work}/values.yaml", "-o", f"{self.work}/dist"],
                             capture_output=True, text=True)
        if out.returncode:
            raise SystemExit(out.stdout + out.stderr)

    def start(self):
        for node in self.nodes:
            self.launch(node)
        for node in self.nodes:
            self.ready(node)
        return self

    def launch(self, node):
        name = node.replace("/", ".")
        self.admin[node] = f"127.0.0.1:{free_port()}"
        command = [f"{self.bin}/weft-proxy", "--snapshot", f"{self.work}/dist", "--node", node, "--workers", "1",
                   "--admin", self.admin[node], "--access-log", f"{self.work}/{name}.access",
                   "--identity-dir", f"{self.work}/ids/{node}", *self.more]
        log = open(f"{self.work}/{name}.log", "a")
        self.processes[node] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log)

    def ready(self, node):
        for _ in range(500):
            if self.processes[node].poll() is not None:
                raise SystemExit(f"{node} ended:\n" + open(f"{self.work}/{node.replace('/', '.')}.log").read())
            try:
                with urllib.request.urlopen(f"http://{self.admin[node]}/ready", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise SystemExit(f"{node} is not ready after 10 s")

    def describe(self):
        return {"ports": self.ports, "admin": self.admin, "pids": {node: child.pid for node, child in self.processes.items()},
                "authority": f"{self.work}/ids/ca.pem", "logs": self.work}

    def rss(self):
        """Resident memory of each proxy in KiB."""
        sizes = {}
        for node, child in self.processes.items():
            with open(f"/proc/{child.pid}/status") as status:
                sizes[node] = int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))
        return sizes

    def stop(self):
        for child in self.processes.values():
            child.kill()
            child.wait()


def main():
    """`stand.py SPEC STAND.json [FLAG...]`: runs until it is interrupted; what is in STAND.json is what scripts of golden-tests/tests/peers take."""
    import signal
    import sys
    import tempfile
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    spec, out, *flags = sys.argv[1:]
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with tempfile.TemporaryDirectory(prefix="weft-stand-") as work:
        stand = Stand(spec, work, os.path.join(root, "target", "dist"), "shop.example", more=flags).start()
        try:
            specs.write(os.path.abspath(out), json.dumps(stand.describe()))
            print(f"running, see {out} and {work}; Control-C or SIGTERM ends it", flush=True)
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass
        finally:
            stand.stop()


if __name__ == "__main__":
    main()
