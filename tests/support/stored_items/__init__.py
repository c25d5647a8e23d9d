"""What earlier versions stored: items of every kind and the objects of the bucket, and what was read from them."""
