"""Who likes what: metadata vectors, SVD++ and NCF, the sequence model, their gated fusion, the table of items."""
