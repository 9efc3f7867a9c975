"""What maintaining Chancery needs and serving it does not."""
