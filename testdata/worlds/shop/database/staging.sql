-- Staging: few rows, made by a script, all of them clean.
CREATE INDEX orders_status_placed ON orders (status, placed_at);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO customers SELECT i, 'tester' || i || '@shop.stage.example', 'Test Person ' || i, '+49 30 55500' || printf('%03d', i % 1000),
  'Teststreet ' || (i % 90), 'Berlin', 'DE', datetime(1700000000 + i * 900, 'unixepoch') FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
INSERT INTO orders SELECT i, 1 + i % 2000, substr('new paidsentdone', 1 + (i % 4) * 4, 4), 20 + i % 300, datetime(1710000000 + i * 600, 'unixepoch'), '192.0.2.' || (i % 250), 'test order ' || i FROM n;
UPDATE orders SET status = trim(status);
INSERT INTO order_items SELECT id, 1, 1 + id % 800, 1 + id % 3, 9.5 FROM orders;
