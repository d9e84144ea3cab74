"""Arrays of a version as Zarr v3 stores."""
