"""The configuration: its YAML file, and the frozen objects that the program makes of it."""
