"""The audio front ends that training and the device share: log-mel patches and audio descriptors."""
