"""Versions in forms that need no Tsunagu: BagIt and OCFL, made from what the client pulls."""
