"""HTTP itself: sockets, connections, limits."""
