"""The file of `--web.config.file`: TLS, users, headers, rate limit; re-read when it changes."""
