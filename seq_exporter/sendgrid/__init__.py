"""Asking SendGrid: requests out, scores in, and as few requests as possible."""
