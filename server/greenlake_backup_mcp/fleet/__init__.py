"""What a backup administrator asks of the whole tenant, answered by rule over the catalog."""
