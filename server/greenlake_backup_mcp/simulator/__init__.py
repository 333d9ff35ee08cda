"""A simulated tenant of the service: for the demo, the tests and the evaluation. Never used unless asked for.

It proves conformity to our reading of the documents, not to the vendor's service.
"""
