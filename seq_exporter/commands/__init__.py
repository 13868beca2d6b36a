"""The command line: one module or folder a command, and the flags that they share."""
