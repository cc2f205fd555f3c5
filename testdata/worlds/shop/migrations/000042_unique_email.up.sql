-- Sign-in ignores case from now on, so an address may stand here once only.
CREATE UNIQUE INDEX customers_email_lower ON customers (lower(email));
