"""Federated identity: metadata feeds, the SAML service provider, claims, assurance. Entered by identity's api."""
