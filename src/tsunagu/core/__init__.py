"""What every room stands on: errors, ids, clock, settings, capabilities, blobs. Knows no room."""
