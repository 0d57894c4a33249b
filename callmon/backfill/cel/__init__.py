"""CEL, the exchange's own diary: what happened while nobody listened. Its rows become what AMI would have said."""
