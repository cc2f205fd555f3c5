-- Production: 50,000 customers and 150,000 orders and items, with the traces of six years of real use.
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
INSERT INTO customers SELECT i,
  lower(substr('AnnaBentCaraDiegElisFinnGretHugoIdaxJanaKaliLenaMilaNilsOlgaPaul', 1 + (i % 16) * 4, 4)) || '.' || (i * 7919 % 99991) || '@mail' || (i % 31) || '.example',
  substr('AnnaBentCaraDiegElisFinnGretHugoIdaxJanaKaliLenaMilaNilsOlgaPaul', 1 + (i % 16) * 4, 4) || ' ' || substr('BergmannVogelsanLindholmMarchettDelacroiKowalskiNowakowsJanssens', 1 + (i % 8) * 8, 8) || (i * 31 % 9973),
  CASE WHEN i % 11 = 0 THEN NULL ELSE '+49 ' || (150 + i % 30) || ' ' || printf('%07d', i * 7919 % 9999991) END,
  'Lange Gasse ' || (i % 199), substr('Berlin  Wien    Paris   Lyon    Warszawa', 1 + (i % 5) * 8, 8),
  substr('DEATFRFRPL', 1 + (i % 5) * 2, 2), datetime(1577836800 + i * 3700, 'unixepoch') FROM n;
UPDATE customers SET city = trim(city);
-- Seventeen people signed up twice, with another spelling of the same address.
UPDATE customers SET email = (SELECT upper(substr(c.email, 1, 1)) || substr(c.email, 2) FROM customers c WHERE c.id = customers.id - 1)
  WHERE id IN (312, 1804, 2950, 4406, 7712, 9034, 12008, 15550, 18222, 21706, 25014, 28880, 31002, 34566, 39018, 44104, 48732);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99000)
INSERT INTO orders SELECT i, 1 + i * 7919 % 50000, CASE WHEN i IN (812, 1340, 2977, 5150, 8008, 9301) THEN 'refund' ELSE CASE i % 5 WHEN 0 THEN 'new' WHEN 1 THEN 'paid' WHEN 2 THEN 'sent' ELSE 'done' END END,
  15 + i % 700 + (i % 100) / 100.0, datetime(1583000000 + i * 1900, 'unixepoch'), '10.' || (i / 7 % 250) || '.' || (i / 50 % 250) || '.' || (i % 250),
  CASE WHEN i % 9 = 0 THEN 'please ring at ' || (i * 7919 % 99991) || ', second floor' END FROM n;
-- An early release wrote the status 'refund' (six orders above), which nobody remembers. An old import lost the customers of these orders.
UPDATE orders SET customer_id = customer_id + 900000 WHERE id IN (17, 5023, 5024, 71000, 88123);
INSERT INTO order_items SELECT id, 1, 1 + id % 800, 1 + id % 3, 9.5 + id % 40 FROM orders WHERE id % 2 = 0;
UPDATE shipping_rates SET price = 5.9 WHERE country = 'CH' AND carrier = 'parcel';
