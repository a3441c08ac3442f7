"""Identities and certificates of a run, made by `openssl` on the spot."""

import ssl
import subprocess


def _openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, stdin=subprocess.DEVNULL)


class Keys:
    """An authority of the trust domain, identities of nodes, certificates of gateways."""

    def __init__(self, folder, domain="m.test"):
        self.folder = folder
        self.domain = domain
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = folder / "authority.pem"
        self._make(
            "authority", f"URI:spiffe://{domain}", ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"], None
        )
        self._known = {}

    def _make(self, name, alternative, extensions, issuer):
        words = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", f"/CN={name.replace('/', '-')}", "-keyout", self.folder / f"{name}.key", "-out", self.folder / f"{name}.pem",
            "-addext", f"subjectAltName={alternative}",
        ]
        for extension in extensions:
            words += ["-addext", extension]
        if issuer:
            words += ["-CA", self.folder / f"{issuer}.pem", "-CAkey", self.folder / f"{issuer}.key"]
        _openssl(*words)

    def certificate(self, name):
        """The certificate of a gateway, for every host of the generator."""
        path = self.folder / f"{name}.pem"
        if not path.exists():
            self._make(name, "DNS:*.test,DNS:*.example,DNS:a.test", ["basicConstraints=critical,CA:FALSE"], None)
        return path

    def leaf(self, name):
        """The same as bytes, as a client gets it."""
        return ssl.PEM_cert_to_DER_cert(self.certificate(name).read_text())

    def identity(self, node):
        """The folder with the SVID of a node."""
        if node not in self._known:
            place = self.folder / "identities" / node
            place.mkdir(parents=True)
            name = "identities/" + node + "/leaf"
            usage = [
                "basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth,clientAuth",
            ]
            self._make(name, f"URI:spiffe://{self.domain}/{node}", usage, "authority")
            (place / "leaf.pem").rename(place / "svid.pem")
            (place / "leaf.key").rename(place / "svid_key.pem")
            (place / "svid_bundle.pem").write_text(self.authority.read_text())
            self._known[node] = place
        return self._known[node]
