"""SPF (RFC 7208): the result for MAIL FROM and HELO, and faults of the record itself."""
