"""Random losses with their truth beside them, and every statement of an audit held against it in numbers."""
