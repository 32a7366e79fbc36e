"""When and where recordings were made: from their names, their headers, or a table."""
