"""What tests of plug-ins import: steps run without a worker, and say what they asked it for."""
