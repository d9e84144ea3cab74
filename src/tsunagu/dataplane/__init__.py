"""The byte server: tus, bundles, ranges, ZIP. No Django, no cookies; it believes only signed capabilities."""
