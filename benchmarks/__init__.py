"""The exporter measured at scale, beside what its users would run or hope for instead."""
