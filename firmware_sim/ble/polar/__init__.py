"""Polar's measurement data service, as its open SDK documents it: the open example of a vendor's protocol."""
