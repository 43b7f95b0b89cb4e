# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thread that accepts connections for any number of servers.

A separate thread for each of 200 clusters would wake up 400 times a second, and would need up to half a second to stop.
This thread sleeps until a connection arrives. Each request runs in its own thread.
"""

from __future__ import annotations

import selectors
import socket
import threading

from testbed.service import Listener


class Acceptor:
    """Accepts connections for servers. :meth:`add` starts a server, and :meth:`remove` stops it and closes its port at
    once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.listeners: set[Listener] = set()
        self.selector = selectors.DefaultSelector()
        self.stopping, self.stopper = socket.socketpair()
        self.selector.register(self.stopping, selectors.EVENT_READ, None)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def add(self, listener: Listener) -> None:
        # The selector has reported a connection, so accept must not wait for another one.
        listener.server.timeout = 0
        with self.lock:
            self.listeners.add(listener)
            self.selector.register(listener.server.socket, selectors.EVENT_READ, listener)

    def remove(self, listener: Listener) -> None:
        with self.lock:
            self.listeners.discard(listener)
            self.selector.unregister(listener.server.socket)
            listener.server.server_close()

    def run(self) -> None:
        while True:
            for key, _events in self.selector.select():
                if key.data is None:
                    return
                with self.lock:
                    if key.data in self.listeners:
                        key.data.server.handle_request()

    def stop(self) -> None:
        """Close all ports and end the thread."""
        for listener in list(self.listeners):
            self.remove(listener)
        self.stopper.close()
        self.thread.join()
        self.selector.close()
        self.stopping.close()
