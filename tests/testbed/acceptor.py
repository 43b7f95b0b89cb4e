# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thread that accepts connections for any number of servers.

A thread per cluster that wakes up twice a second to see whether it should stop costs 400 wake-ups a second for 200
clusters, and up to half a second to stop each one. Here one thread sleeps until a connection comes in; the requests
themselves run in threads of their own, as elsewhere.
"""

from __future__ import annotations

import selectors
import socket
import threading

from testbed.service import Listener


class Acceptor:
    """Serves listeners that were not started: :meth:`add` begins, :meth:`remove` ends and closes the port at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.listeners: set[Listener] = set()
        self.selector = selectors.DefaultSelector()
        self.stopping, self.stopper = socket.socketpair()
        self.selector.register(self.stopping, selectors.EVENT_READ, None)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def add(self, listener: Listener) -> None:
        # The selector has already said that a connection is there: never wait for another one.
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
        """Close every port and end the thread."""
        for listener in list(self.listeners):
            self.remove(listener)
        self.stopper.close()
        self.thread.join()
        self.selector.close()
        self.stopping.close()
