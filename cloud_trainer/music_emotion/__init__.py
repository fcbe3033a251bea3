"""Music emotion: a residual CNN on log-mel patches, its data, training and evaluation."""
