"""Publication: institutions, review, DOIs, the record that others harvest."""
