"""What a listener who agrees gives back for training: counts of a week, clipped and noised on the device."""
