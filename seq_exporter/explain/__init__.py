"""Why a score has changed: the evidence from SendGrid, and the words for it."""
