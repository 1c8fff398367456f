// What the account shows afterwards: balance, limits, orders, fills, positions, and settlements once the market is final.
import { everyPage, short } from "./exchange.mjs";

export async function walkAccount(exchange, findings, { ticker }) {
  const ok = (name, answer) => findings.expect(answer.status === 200, `${name}: HTTP ${answer.status} ${short(answer.data)}`);
  ok("limits", await exchange.account.getAccountApiLimits());
  ok("endpoint costs", await exchange.account.getAccountEndpointCosts());
  const balance = await exchange.portfolio.getBalance();
  ok("balance", balance);
  findings.expect(Number(balance.data.balance_dollars) > 0, `balance ${balance.data.balance_dollars}`);

  const orders = await everyPage(
    findings, "orders",
    (cursor) => exchange.orders.getOrders(undefined, undefined, undefined, undefined, undefined, 5, cursor),
    (data) => data.orders,
  );
  const fills = await everyPage(
    findings, "fills",
    (cursor) => exchange.portfolio.getFills(ticker, undefined, undefined, undefined, 2, cursor),
    (data) => data.fills,
  );
  findings.expect(new Set(fills.map((fill) => fill.fill_id)).size === fills.length, "fills: one comes twice");
  const known = new Set(orders.map((order) => order.order_id));
  findings.expect(fills.length >= 4 && fills.every((fill) => known.has(fill.order_id)), `fills: ${fills.length}, some of no order`);

  const positions = await exchange.portfolio.getPositions(undefined, 100);
  ok("positions", positions);
  const held = (positions.data.market_positions ?? []).find((each) => each.ticker === ticker);
  const bought = fills.reduce((sum, fill) => sum + Number(fill.count_fp) * (fill.book_side === "bid" ? 1 : -1), 0);
  findings.expect(Math.abs(Number(held?.position_fp) - bought) < 1e-9, `position ${held?.position_fp}, fills say ${bought}`);

  ok("historical orders", await exchange.historical.getHistoricalOrders());
  ok("historical fills", await exchange.historical.getFillsHistorical());
  ok("historical positions", await exchange.historical.getHistoricalPositions());
  await settle(exchange, findings, ticker, ok);
}

async function settle(exchange, findings, ticker, ok) {
  for (const order of [{ do: "close", ticker }, { do: "determine", ticker, result: "yes" }, { do: "finalize", ticker }]) {
    const answer = await exchange.control(order);
    findings.expect(answer.status === 200, `control ${order.do}: HTTP ${answer.status} ${short(answer.data)}`);
    const market = await exchange.markets.getMarket(ticker);
    ok(`market after ${order.do}`, market);
  }
  let rows = [];
  for (let attempt = 0; attempt < 20 && rows.length === 0; attempt += 1) {
    const answer = await exchange.portfolio.getSettlements(100, undefined, ticker);
    ok("settlements", answer);
    rows = answer.data.settlements ?? [];
    if (rows.length === 0) await new Promise((done) => setTimeout(done, 150));
  }
  findings.expect(rows.length === 1 && rows[0].market_result === "yes", `settlements: ${short(rows)}`);
  const settled = await exchange.portfolio.getPositions(undefined, 100);
  ok("positions after settlement", settled);
}
