"""HTTP itself: sockets, connections, time limits."""
