package payment

// views are made in a snapshot for people with an SQLite tool. Amounts are minor units, times are UTC.
const views = `
DROP VIEW IF EXISTS sales;
CREATE VIEW sales AS SELECT client, id AS sale, amount, currency, json_extract(doc, '$.reference') AS reference,
  json_extract(doc, '$.opened_at') AS opened_at, acked <> 0 AS acknowledged FROM payment_sale ORDER BY seq;
DROP VIEW IF EXISTS attempts;
CREATE VIEW attempts AS SELECT client, sale, attempt, json_extract(doc, '$.short_id') AS short_id, kind, rail, state, amount,
  coalesce(json_extract(doc, '$.approved'), 0) AS approved, coalesce(json_extract(doc, '$.refunded'), 0) AS refunded,
  coalesce(json_extract(doc, '$.voided'), 0) AS voided, json_extract(doc, '$.currency') AS currency,
  json_extract(doc, '$.instrument') AS instrument, terminal, batch, trace, json_extract(doc, '$.numbers.order') AS order_number,
  json_extract(doc, '$.host.reference') AS host_reference, json_extract(doc, '$.code') AS code, json_extract(doc, '$.text') AS text,
  json_extract(doc, '$.reason') AS reversed_because, json_extract(doc, '$.undo.tries') AS reversal_tries,
  json_extract(doc, '$.created_at') AS created_at, json_extract(doc, '$.sent_at') AS sent_at,
  json_extract(doc, '$.decided_at') AS decided_at FROM payment_attempt ORDER BY seq;
DROP VIEW IF EXISTS timeline;
CREATE VIEW timeline AS SELECT seq, time, json_extract(body, '$.key.client') AS client, json_extract(body, '$.key.sale') AS sale,
  json_extract(body, '$.key.attempt') AS attempt, kind,
  coalesce(json_extract(body, '$.sale.amount'), json_extract(body, '$.created.amount'), json_extract(body, '$.answer.amount'),
    json_extract(body, '$.amount')) AS amount,
  coalesce(json_extract(body, '$.sent.numbers.trace'), json_extract(body, '$.trace')) AS trace,
  coalesce(json_extract(body, '$.answer.code'), json_extract(body, '$.undo.code'), json_extract(body, '$.close.code')) AS code,
  coalesce(json_extract(body, '$.answer.text'), json_extract(body, '$.undo.text'), json_extract(body, '$.close.text')) AS text,
  subject FROM event ORDER BY seq;
DROP VIEW IF EXISTS batches;
CREATE VIEW batches AS SELECT terminal, json_extract(doc, '$.batch') AS batch, state, json_extract(doc, '$.currency') AS currency,
  json_extract(doc, '$.totals.sales.count') AS sales, json_extract(doc, '$.totals.sales.amount') AS sales_amount,
  json_extract(doc, '$.totals.completions.amount') AS completions_amount, json_extract(doc, '$.totals.voids.amount') AS voids_amount,
  json_extract(doc, '$.totals.refunds.amount') AS refunds_amount, json_extract(doc, '$.code') AS code,
  json_extract(doc, '$.closing_at') AS closing_at, json_extract(doc, '$.ended_at') AS ended_at,
  json_extract(doc, '$.next') AS next FROM payment_batch ORDER BY seq;`
