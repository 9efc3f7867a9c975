"""What Chancery is measured against: as good as we could make them with what they are."""
