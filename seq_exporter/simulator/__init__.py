"""A pretend SendGrid, for the demo, for tests and for trying a configuration."""
