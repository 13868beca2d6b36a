"""The past: scores of earlier days, as the live exporter would have shown them."""
