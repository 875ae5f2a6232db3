"""The pages of the data's stewards."""
