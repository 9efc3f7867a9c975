"""What is asked over HTTP; the only package that imports FastAPI.

middleware   what every request goes through: id, size of the address, HEAD, headers
problems     every refusal and failure as a problem document
reading      what every read has in common: parameters, revision, ETag, format
operations   a route as one value, from which both the router and the OpenAPI document are made
lists        the resources        questions   what is no list        service   health, pages, documents
openapi      the document
"""
