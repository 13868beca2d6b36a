"""The long-running process: polling, restoring, reloading, stopping."""
