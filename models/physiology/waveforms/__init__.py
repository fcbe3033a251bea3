"""Finding beats in sampled waveforms, ECG and PPG, in one pass and with bounded memory."""
