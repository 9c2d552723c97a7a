"""What `make bench` measures: ratios, taken in turns in one run, since machines are shared and noisy."""
