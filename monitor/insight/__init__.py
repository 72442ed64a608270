"""What history tells beyond single transactions: report cards of senders, and what-if.

Pure functions over records. Who calls them brings the records, in the order of time.
"""
