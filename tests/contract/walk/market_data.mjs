// Everything a visitor may read: status, series, events, markets, books, trades, candles, the historical tier.
import { everyPage, short } from "./exchange.mjs";

/** Reads it all; returns a market of the latest open event with interest on both sides. */
export async function walkMarketData(exchange, findings) {
  const ok = (name, answer) => findings.expect(answer.status === 200, `${name}: HTTP ${answer.status} ${short(answer.data)}`);
  ok("status", await exchange.exchange.getExchangeStatus());
  ok("schedule", await exchange.exchange.getExchangeSchedule());
  ok("user data timestamp", await exchange.exchange.getUserDataTimestamp());
  ok("series fee changes", await exchange.exchange.getSeriesFeeChanges(undefined, true));

  const series = await exchange.markets.getSeriesList("Climate and Weather");
  ok("series list", series);
  for (const { ticker } of series.data.series ?? []) ok(`series ${ticker}`, await exchange.markets.getSeries(ticker, true));

  const events = await everyPage(
    findings, "events",
    (cursor) => exchange.events.getEvents(7, cursor, true),
    (data) => data.events,
  );
  findings.expect(events.length > 0, "no events");
  for (const { event_ticker: ticker } of events.slice(-3)) {
    ok(`event ${ticker}`, await exchange.events.getEvent(ticker, true));
  }
  ok("event fee changes", await exchange.events.getEventFeeChanges());

  const all = await everyPage(
    findings, "markets",
    (cursor) => exchange.markets.getMarkets(50, cursor),
    (data) => data.markets,
  );
  const nested = new Set(events.flatMap((event) => (event.markets ?? []).map((market) => market.ticker)));
  findings.expect(nested.size === 0 || all.length >= nested.size, `${all.length} markets but ${nested.size} nested ones`);
  for (const status of ["unopened", "open", "paused", "closed", "settled"]) {
    await everyPage(
      findings, `markets ${status}`,
      (cursor) => exchange.markets.getMarkets(200, cursor, undefined, undefined, undefined, undefined, undefined,
        undefined, undefined, undefined, undefined, status),
      (data) => data.markets,
    );
  }
  const market = chosen(all) ?? chosen(await laterMarkets(exchange));
  if (!findings.expect(market, "no open market has interest on both sides")) return undefined;
  await walkMarket(exchange, findings, market, ok);
  await walkHistory(exchange, findings, ok);
  return market;
}

/** The markets six hours on: a recorded day begins with empty books. */
async function laterMarkets(exchange) {
  const later = new Date((await exchange.nowS()) * 1000 + 6 * 3_600_000);
  await exchange.control({ do: "clock", to: later.toISOString() });
  return (await exchange.markets.getMarkets(1000)).data.markets;
}

function chosen(markets) {
  const quoted = markets.filter(
    (each) => each.status === "active" && Number(each.yes_bid_size_fp) >= 3 && Number(each.yes_ask_size_fp) >= 3
      && Number(each.yes_bid_dollars) > 0.03 && Number(each.yes_ask_dollars) < 0.97,
  );
  return quoted.sort((one, other) => Date.parse(other.close_time) - Date.parse(one.close_time))[0];
}

async function walkMarket(exchange, findings, market, ok) {
  const { ticker } = market;
  const series = ticker.split("-")[0];
  const end = await exchange.nowS();
  ok("market", await exchange.markets.getMarket(ticker));
  ok("order book", await exchange.markets.getMarketOrderbook(ticker, 0));
  ok("order book, top", await exchange.markets.getMarketOrderbook(ticker, 1));
  const books = await exchange.markets.getMarketOrderbooks([ticker]);
  ok("order books", books);
  findings.expect(books.data.orderbooks?.[0]?.ticker === ticker, "order books: another market's");
  await everyPage(
    findings, "trades",
    (cursor) => exchange.markets.getTrades(100, cursor, ticker),
    (data) => data.trades,
  );
  for (const period of [1, 60, 1440]) {
    const start = end - Math.min(period * 60 * 100, 5 * 86_400);
    ok(`candles ${period}`, await exchange.markets.getMarketCandlesticks(series, ticker, start, end, period, true));
    ok(`batch candles ${period}`, await exchange.markets.batchGetMarketCandlesticks(ticker, start, end, period, true));
  }
}

async function walkHistory(exchange, findings, ok) {
  ok("historical cutoff", await exchange.historical.getHistoricalCutoff());
  const old = await everyPage(
    findings, "historical markets",
    (cursor) => exchange.historical.getHistoricalMarkets(100, cursor),
    (data) => data.markets,
  );
  await everyPage(
    findings, "historical trades",
    (cursor) => exchange.historical.getTradesHistorical(undefined, undefined, undefined, 200, cursor),
    (data) => data.trades,
  );
  if (old.length === 0) return;
  const last = old[0];
  const close = Math.floor(Date.parse(last.close_time) / 1000);
  ok("historical market", await exchange.historical.getHistoricalMarket(last.ticker));
  ok("historical candles", await exchange.historical.getMarketCandlesticksHistorical(last.ticker, close - 86_400, close, 60));
}
