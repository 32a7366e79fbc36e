"""What more recordings of each label would bring."""
