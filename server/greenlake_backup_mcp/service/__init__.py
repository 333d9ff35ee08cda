"""HTTP to the service: one request, its token, its pace, its retries, its refusals."""
