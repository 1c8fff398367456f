-- The public trade feed: executions of the published mode, 60 minutes late.
-- NOTE: the delay compares the exact time of the fill, before rounding, so that rounding can never release a row early.
-- NOTE: plain now(): no setting, session variable or application clock can move it.
-- NOTE: no id, key or payload leaves: not of the order, the intent, the fill or the account.
-- NOTE: a fill placed by hand has no order; the book side alone then tells what it did to the YES position.
-- NOTE: prices are those of the side named: a NO bought at 88 cents is an ask of 12 cents on the YES book.
SELECT
    market.city_code AS city,
    market.label AS market_type,
    CASE COALESCE(orders.action, CASE fill.book_side WHEN 'bid' THEN 'BUY' ELSE 'SELL' END)
        WHEN 'BUY' THEN 'Buy ' ELSE 'Sell '
    END || COALESCE(orders.side, 'YES') AS side,
    fill.count AS qty,
    CASE WHEN orders.side = 'NO' THEN 1 - fill.yes_price ELSE fill.yes_price END AS price,
    date_trunc('minute', fill.filled_at) AS fill_time
FROM ops.fills AS fill
JOIN ops.controls AS controls ON controls.mode = fill.mode AND controls.is_published
JOIN ops.markets AS market ON market.id = fill.market_id
LEFT JOIN ops.orders AS orders ON orders.id = fill.order_id
WHERE fill.filled_at <= now() - interval '60 minutes'
