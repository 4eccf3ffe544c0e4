"""Finding models in a company's own history. Needs the extra `fit`; whatever it finds is scored without any library."""
