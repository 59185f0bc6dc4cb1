"""A page to drop recordings on, and a service that predicts what is sent to it.

`app` is the service as an ASGI application: `guard` checks Host, Origin and token of each request,
`uploads` writes what is sent into a private folder, `reading` reads it in processes of their own,
`batching` predicts what arrives together in one call, `answers` makes the JSON that
``ecg12 predict --format json`` prints. `server` runs the application. Nothing is kept: the folder
of a request is removed before its answer is sent.
"""
