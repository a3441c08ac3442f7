"""A client of HTTP/2, where the library `h2` is installed: one stream at a time on a connection that is kept."""

try:
    import h2.config
    import h2.connection
    import h2.events
    import h2.exceptions
except ImportError:
    h2 = None

from . import client
from .client import Answer, Broken


def is_there():
    """Whether HTTP/2 can be spoken here."""
    return h2 is not None


class Connection(client.Connection):
    """A connection like that of `client`, in the other version."""

    def _open(self):
        if self.context is not None:
            self.context.set_alpn_protocols(["h2"])
        super()._open()
        self.state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, validate_outbound_headers=False))
        self.state.initiate_connection()
        self.socket.sendall(self.state.data_to_send())

    def ask(self, request, host, body=b"", more=()):
        """Sends a request and reads the answer; once more on a new connection if the old one was closed."""
        for is_last in (False, True):
            is_kept = self.socket is not None
            try:
                if self.socket is None:
                    self._open()
                return self._exchange(request, host, body, more)
            except (OSError, Broken, h2.exceptions.ProtocolError) as error:
                self.close()
                if is_last or not is_kept:
                    raise Broken(str(error)) from error
        raise Broken("unreachable")

    def _exchange(self, request, host, body, more):
        stream = self.state.get_next_available_stream_id()
        scheme = "http" if self.context is None else "https"
        head = [(":method", request.method), (":scheme", scheme), (":authority", host), (":path", request.target)]
        head += [(name.lower(), value) for name, value in (*request.headers, *more)]
        self.state.send_headers(stream, head, end_stream=not body)
        if body:
            self.state.send_data(stream, body, end_stream=True)
        self.socket.sendall(self.state.data_to_send())
        answer, goes_on = None, True
        while goes_on:
            data = self.socket.recv(65536)
            if not data:
                raise Broken("closed")
            for event in self.state.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    fields = {_text(name): _text(value) for name, value in event.headers}
                    answer = Answer(int(fields.pop(":status")), fields, b"")
                elif isinstance(event, h2.events.DataReceived):
                    self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                    goes_on = False
            self.socket.sendall(self.state.data_to_send())
        if answer is None:
            raise Broken("reset")
        return answer


def _text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else value
