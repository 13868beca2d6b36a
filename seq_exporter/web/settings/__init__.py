"""The file named by `--web.config.file`: TLS, users, headers, rate limit; reloaded on change."""
