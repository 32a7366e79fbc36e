"""From a folder of recordings to a model within a given time, each choice made by measurement and told."""
