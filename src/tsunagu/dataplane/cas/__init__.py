"""The part of a Xet store (CAS) that takes uploads: xorbs and shards in, ordinary contents of the node out.

Formats: huggingface/xet-core v1.6.0, written anew from their description in docs/adr/0049-hub-writing.md.
"""
