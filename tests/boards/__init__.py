"""What each panel of the boards must show: seeded days, and an independent count of them."""
