-- SQLite cannot add a check and a foreign key to a table: rebuild it.
CREATE TABLE orders_new (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  status      TEXT NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'paid', 'sent', 'done', 'cancelled')),
  total       REAL NOT NULL,
  placed_at   TEXT NOT NULL,
  client_ip   TEXT,
  note        TEXT
);
INSERT INTO orders_new (id, customer_id, status, total, placed_at, client_ip, note)
  SELECT id, customer_id, status, total, placed_at, client_ip, note FROM orders;
DROP VIEW revenue;
DROP TABLE orders;
ALTER TABLE orders_new RENAME TO orders;
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_placed ON orders (placed_at);
CREATE VIEW revenue AS
  SELECT substr(placed_at, 1, 10) AS day, count(*) AS orders, sum(total) AS total FROM orders WHERE status <> 'cancelled' GROUP BY 1;
