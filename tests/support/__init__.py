"""What tests share: real servers, on real stores, asked by real clients."""
