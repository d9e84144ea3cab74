"""This node as an OpenID provider: programs that act for people, and what each was allowed."""
