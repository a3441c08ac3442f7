"""A client of HTTP/1.1 that keeps its connections: plain, with TLS and a name, or with an identity of the mesh."""

import socket
import ssl


class Broken(Exception):
    """The connection was refused, closed or cut."""


class Answer:
    """What came back."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:80]!r}"


class Connection:
    """One connection to a listener; opened when it is first used, and again when it was closed."""

    def __init__(self, port, context=None, name=None):
        self.port = port
        self.context = context
        self.name = name
        self.socket = None
        self.buffer = b""
        # The certificate that was shown last, as bytes.
        self.leaf = None

    def _open(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        if self.context is not None:
            self.socket = self.context.wrap_socket(self.socket, server_hostname=self.name)
            self.leaf = self.socket.getpeercert(binary_form=True)

    def close(self):
        """Lets go of the connection."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def ask(self, request, host, body=b"", more=()):
        """Sends a request and reads the answer."""
        lines = [f"{request.method} {request.target} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in (*request.headers, *more)]
        if body or request.method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body)}")
        data = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
        is_kept = self.socket is not None
        try:
            return self._exchange(data, request.method)
        except (OSError, Broken) as error:
            self.close()
            if not is_kept:
                raise Broken(str(error)) from error
        try:
            return self._exchange(data, request.method)
        except OSError as error:
            self.close()
            raise Broken(str(error)) from error

    def _exchange(self, data, method):
        if self.socket is None:
            self._open()
        self.socket.sendall(data)
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        if method == "HEAD" or status in (204, 304):
            length = 0
        if headers.get("transfer-encoding") == "chunked" and method != "HEAD":
            body = self._chunks()
        else:
            while len(self.buffer) < length:
                self._more()
            body, self.buffer = self.buffer[:length], self.buffer[length:]
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, headers, body)

    def _chunks(self):
        body = b""
        while True:
            while b"\r\n" not in self.buffer:
                self._more()
            size, _, self.buffer = self.buffer.partition(b"\r\n")
            wanted = int(size, 16) + 2
            while len(self.buffer) < wanted:
                self._more()
            body += self.buffer[: wanted - 2]
            self.buffer = self.buffer[wanted:]
            if wanted == 2:
                return body

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise Broken("closed")
        self.buffer += data


def stranger():
    """TLS as any client speaks it; whose certificate it is, the oracle judges itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def peer(place):
    """TLS with the identity in a folder."""
    context = stranger()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(place / "svid.pem", place / "svid_key.pem")
    return context
