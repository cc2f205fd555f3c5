-- The shop at version 41 of its migrations.
CREATE TABLE countries (
  code TEXT PRIMARY KEY CHECK (length(code) = 2),
  name TEXT NOT NULL,
  vat  REAL NOT NULL CHECK (vat >= 0)
);
CREATE TABLE shipping_rates (
  country TEXT NOT NULL REFERENCES countries (code),
  carrier TEXT NOT NULL,
  price   REAL NOT NULL CHECK (price >= 0),
  PRIMARY KEY (country, carrier)
) WITHOUT ROWID;
CREATE TABLE products (
  id    INTEGER PRIMARY KEY,
  sku   TEXT NOT NULL UNIQUE,
  name  TEXT NOT NULL,
  price REAL NOT NULL,
  stock INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE customers (
  id         INTEGER PRIMARY KEY,
  email      TEXT NOT NULL UNIQUE,
  full_name  TEXT NOT NULL,
  phone      TEXT,
  street     TEXT,
  city       TEXT,
  country    TEXT REFERENCES countries (code),
  created_at TEXT NOT NULL
);
CREATE TABLE orders (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL,
  status      TEXT NOT NULL DEFAULT 'new',
  total       REAL NOT NULL,
  placed_at   TEXT NOT NULL,
  client_ip   TEXT,
  note        TEXT
);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_placed ON orders (placed_at);
CREATE TABLE order_items (
  order_id   INTEGER NOT NULL REFERENCES orders (id),
  line       INTEGER NOT NULL,
  product_id INTEGER NOT NULL REFERENCES products (id),
  quantity   INTEGER NOT NULL CHECK (quantity > 0),
  price      REAL NOT NULL,
  PRIMARY KEY (order_id, line)
) WITHOUT ROWID;
CREATE VIEW revenue AS
  SELECT substr(placed_at, 1, 10) AS day, count(*) AS orders, sum(total) AS total FROM orders WHERE status <> 'cancelled' GROUP BY 1;
CREATE TRIGGER orders_status BEFORE UPDATE OF status ON orders
WHEN new.status NOT IN ('new', 'paid', 'sent', 'done', 'cancelled')
BEGIN
  SELECT raise(ABORT, 'unknown status');
END;
CREATE TABLE schema_migrations (version uint64, dirty bool);
CREATE UNIQUE INDEX version_unique ON schema_migrations (version);
INSERT INTO schema_migrations VALUES (41, 0);

INSERT INTO countries VALUES ('AT', 'Austria', 20), ('BE', 'Belgium', 21), ('CH', 'Switzerland', 8.1), ('DE', 'Germany', 19),
  ('DK', 'Denmark', 25), ('ES', 'Spain', 21), ('FR', 'France', 20), ('IT', 'Italy', 22), ('NL', 'Netherlands', 21), ('PL', 'Poland', 23);
INSERT INTO shipping_rates SELECT code, carrier, CASE carrier WHEN 'parcel' THEN 4.9 ELSE 12.5 END FROM countries, (SELECT 'parcel' AS carrier UNION ALL SELECT 'express');
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 800)
INSERT INTO products SELECT i, printf('SKU-%05d', i), 'Article ' || i, 5 + i % 200, i % 90 FROM n;
