"""The configuration file: YAML in, one frozen configuration out, or every mistake at once."""
