"""How PyTorch computes on a device, whatever it computes."""
