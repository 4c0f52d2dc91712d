"""What the business does; domains are strangers to each other."""
