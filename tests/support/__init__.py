"""What the tests share: fakes, builders, fixtures, clients and processes."""
