"""Simulated SendGrid: for the demo, for tests and for trying out a configuration."""
