"""Writes the specs and identities that the measurements use. Standard library and openssl only."""
import os
import subprocess


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def mesh(name="bench", extra=""):
    return (f"weft: v1\nmesh:\n  name: {name}\n  trustDomain: bench.example\n  mtls: strict\n"
            "  defaults:\n    timeout: {request: 15s, backendRequest: 5s, connect: 1s, idle: 5m}\n"
            "    retry: {attempts: 2, on: [connect-failure, refused-stream]}\n" + extra)


ORIGIN = ("  origin:\n    protocol: http\n    mtls: disabled\n    endpoints: [\"127.0.0.1:21000\"]\n")


def gateway(port):
    return f"gateways:\n  public:\n    listeners:\n      web: {{address: 127.0.0.1, port: {port}, protocol: http}}\n"


def plain(folder, port, routes):
    """One gateway in front of one origin, with `routes` routes on the host `*`."""
    rules = "".join(f"      - {{path: /svc{i}/api/v{i % 7}/**, to: origin}}\n" for i in range(routes - 1))
    # Settings of its own, or every other rule would be one without effect.
    rules += "      - {path: /**, to: origin, timeout: {request: 14s}}\n"
    write(f"{folder}/spec.yaml", mesh() + gateway(port) + "services:\n" + ORIGIN +
          "routes:\n  all:\n    on: public/web\n    host: \"*\"\n    rules:\n" + rules)


def many_files(folder, hosts, per_host):
    """`hosts` files of one host each, with `per_host` routes."""
    write(f"{folder}/mesh.yaml", mesh() + gateway(8080) + "services:\n" + ORIGIN)
    for host in range(hosts):
        rules = "".join(f"      - path: /svc{i}/api/v{i % 7}/**\n        methods: [GET, POST]\n        to: origin\n"
                        f"        timeout: {{request: {1 + i % 9}s}}\n" for i in range(per_host))
        write(f"{folder}/teams/{host % 50}/h{host}.yaml",
              f"weft: v1\nroutes:\n  h{host}:\n    on: public/web\n    host: h{host}.bench.example\n    rules:\n{rules}")


def many_services(folder, services, calls, depth=10):
    """A mesh of services with sidecars in `depth` layers, each calling `calls` of the next layer; the last one calls databases."""
    width = max(services // depth, calls)
    rules = "".join(f"      - {{path: /s{number}/**, to: s{number}}}\n" for number in range(min(width, services)))
    entry = f"routes:\n  entry:\n    on: public/web\n    host: \"*\"\n    rules:\n{rules}"
    databases = "".join(f"  db{number}: {{protocol: http, mtls: disabled, endpoints: [\"10.200.0.{number}:443\"], "
                        f"tls: {{verify: db{number}.example, roots: db.pem}}}}\n" for number in range(calls))
    write(f"{folder}/mesh.yaml", mesh() + gateway(8080) + "services:\n" + databases + entry)
    for number in range(services):
        layer, column = divmod(number, width)
        below = [(layer + 1) * width + (column + step) % width for step in range(calls)]
        callees = [f"s{callee}" if callee < services else f"db{step}" for step, callee in enumerate(below)]
        above = [(layer - 1) * width + (column - step) % width for step in range(calls)]
        callers = [f"service/s{caller}" for caller in above if 0 <= caller] + (["gateway/public"] if layer == 0 else [])
        write(f"{folder}/services/s{number}.yaml",
              f"weft: v1\nservices:\n  s{number}:\n    protocol: http\n    app: 127.0.0.1:8080\n"
              f"    endpoints: [\"10.{number // 250}.{number % 250}.1:15443\"]\n    timeout: {{request: 2s}}\n    calls:\n"
              + "".join(f"      {callee}: {{operations: [GET /v1/**], timeout: {{request: 1s}}}}\n" for callee in callees)
              + f"    allow:\n      - {{from: [{', '.join(callers)}]}}\n")


def callee(number, services, depth=10):
    """The first service that one of `many_services` calls."""
    below = number + services // depth
    return f"s{below}" if below < services else "db0"


def tests(folder, services):
    """A test of one request for every tenth service of `many_services`."""
    each = "".join(f"  - {{name: t{number}, request: GET http://{callee(number, services)}/v1/x, from: service/s{number}, "
                   f"expect: {{backend: {callee(number, services)}, allowed: true}}}}\n" for number in range(0, services, 10))
    write(f"{folder}/tests.yaml", f"weft: v1\ntests:\n{each}")


def slower(path):
    """Gives the service in a file of `many_services` another limit."""
    with open(path) as file:
        text = file.read()
    write(path, text.replace("timeout: {request: 2s}", "timeout: {request: 3s}"))


def pair(folder, port, inbound):
    """client -> gateway =mTLS, HTTP/2=> sidecar of b -> origin."""
    write(f"{folder}/spec.yaml", mesh() + gateway(port) +
          "services:\n  b:\n    protocol: http\n    app: 127.0.0.1:21000\n"
          f"    sidecar: {{inbound: \"127.0.0.1:{inbound}\", outbound: \"127.0.0.1:{inbound + 1}\"}}\n"
          f"    endpoints: [\"127.0.0.1:{inbound}\"]\n    timeout: {{request: 15s}}\n    allow:\n      - {{from: [gateway/public]}}\n"
          "routes:\n  all:\n    on: public/web\n    host: \"*\"\n    rules:\n      - {path: /**, to: b}\n")


def run(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def key(path):
    run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)


def identities(folder, nodes, domain="bench.example"):
    """A CA and one SVID per node, P-256 like the peers' certificates, as spiffe-helper writes them."""
    os.makedirs(folder, exist_ok=True)
    key(f"{folder}/ca.key")
    write(f"{folder}/ca.cnf", "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nO=bench\n[ext]\n"
          "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectAltName=URI:spiffe://" + domain + "\n")
    run("req", "-x509", "-new", "-key", f"{folder}/ca.key", "-days", "30", "-config", f"{folder}/ca.cnf", "-out", f"{folder}/ca.pem")
    for node in nodes:
        identity(folder, node, domain)


def identity(folder, node, domain="bench.example"):
    """An SVID for `node` below `folder`, written beside the old one and moved over it."""
    home = f"{folder}/{node}"
    os.makedirs(home, exist_ok=True)
    key(f"{home}/new_key.pem")
    write(f"{home}/ext", f"subjectAltName=URI:spiffe://{domain}/{node}\nbasicConstraints=critical,CA:FALSE\n"
          "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n")
    sign(folder, f"{home}/new_key.pem", f"{home}/ext", f"{home}/new.pem")
    with open(f"{folder}/ca.pem") as source:
        write(f"{home}/svid_bundle.pem", source.read())
    os.replace(f"{home}/new_key.pem", f"{home}/svid_key.pem")
    os.replace(f"{home}/new.pem", f"{home}/svid.pem")


def certificate(folder, path, hosts):
    """A server certificate of the same CA as `path`.pem and `path`.key."""
    key(f"{path}.key")
    write(f"{path}.ext", "subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts) + "\nbasicConstraints=critical,CA:FALSE\n"
          "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n")
    sign(folder, f"{path}.key", f"{path}.ext", f"{path}.pem")


def sign(folder, private, extensions, out):
    run("req", "-new", "-key", private, "-subj", "/O=bench", "-out", f"{out}.csr")
    run("x509", "-req", "-in", f"{out}.csr", "-CA", f"{folder}/ca.pem", "-CAkey", f"{folder}/ca.key", "-CAcreateserial",
        "-days", "30", "-extfile", extensions, "-out", out)
