"""The explorer: pages for people, written from the answers of our own API and from nothing else.

    visit      what the address bar says, and how a page asks the API: at one revision, for one kind of reader
    words      how values are said to people: names, dates, counts
    marks      a source's text, cut at the passages that are cited
    pages/     a file a kind of page: which questions it asks, and what it hands to its template
    templates/ how it looks; every value is escaped
    static/    style, scripts that make a page quicker to use; each page can be read without them

It is the first client of the API: what a page cannot find there, nobody can.
"""
