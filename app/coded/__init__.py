"""How the coded events of datasets are asked: the second place, beside the curated records, in which events are kept.

question   a plan in the terms of the coded tables
store      pages, counts and facets of it, merged by `app.query.page` with those of the curated events
counts     numbers by time, actor and code, from what was counted ahead wherever that is exact
"""
