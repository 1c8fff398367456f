"""The server's WebSocket protocol with the exchange's own pings."""

from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

HEARTBEAT: Final = b"heartbeat"
PING_EVERY_S: Final = 10.0
PONG_WITHIN_S: Final = 20.0


class HeartbeatProtocol(WebSocketsSansIOProtocol):
    """Pings carry the word that the exchange sends; the rest is the server's."""

    def send_keepalive_ping(self) -> None:
        """Ping, and wait for the pong that repeats the word."""
        self.ping_timer = None
        if self.close_sent or self.transport.is_closing():
            return
        self.pending_ping_payload = HEARTBEAT
        self.ping_sent_at = self.loop.time()
        self.conn.send_ping(HEARTBEAT)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.pong_timer = self.loop.call_later(PONG_WITHIN_S, self.keepalive_timeout)
