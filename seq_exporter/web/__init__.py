"""The HTTP side: what a scrape, a probe and a person in a browser are answered."""
