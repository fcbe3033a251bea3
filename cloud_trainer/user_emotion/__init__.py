"""What the listener feels: examples from three data sets, the attention network, honest variances, the stage."""
