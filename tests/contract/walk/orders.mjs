// Orders of every kind on one market that the control panel holds still.
import { randomUUID } from "node:crypto";
import { codeOf, short } from "./exchange.mjs";

const GTC = "good_till_canceled";
const IOC = "immediate_or_cancel";
const FOK = "fill_or_kill";

/** Places, repeats, amends, decreases, cancels; alone and in batches. Leaves some fills and nothing resting. */
export async function walkOrders(exchange, findings, listed) {
  await exchange.control({ do: "freeze" });
  const desk = new Desk(exchange, findings, listed.ticker);
  await desk.look();
  await crossing(desk);
  const resting = await restingKinds(desk);
  await refused(desk, resting);
  await changed(desk);
  await batches(desk);
  await desk.expect("cancel all", exchange.orders.cancelAllOrders(), 204);
  await exchange.control({ do: "thaw" });
}

class Desk {
  constructor(exchange, findings, ticker) {
    this.exchange = exchange;
    this.orders = exchange.orders;
    this.findings = findings;
    this.ticker = ticker;
  }

  /** The best bid and ask as the order book tells them, and the exchange's own time in seconds. */
  async look() {
    const { data } = await this.exchange.markets.getMarketOrderbook(this.ticker, 0);
    this.bid = Number(data.orderbook_fp.yes_dollars.at(-1)[0]);
    this.ask = 1 - Number(data.orderbook_fp.no_dollars.at(-1)[0]);
    this.askSize = Number(data.orderbook_fp.no_dollars.at(-1)[1]);
    this.nowS = await this.exchange.nowS();
  }

  order(changes) {
    return {
      ticker: this.ticker,
      side: "bid",
      count: "2.00",
      price: "0.0100",
      time_in_force: GTC,
      self_trade_prevention_type: "taker_at_cross",
      client_order_id: randomUUID(),
      ...changes,
    };
  }

  create(name, changes, status = 201) {
    return this.expect(name, this.orders.createOrderV2(this.order(changes)), status);
  }

  /** Await an answer and hold it against the status it should have. */
  async expect(name, call, status, code = undefined) {
    const answer = await call;
    const fits = answer.status === status && (code === undefined || codeOf(answer) === code);
    this.findings.expect(fits, `${name}: HTTP ${answer.status} ${short(answer.data)}, expected ${status} ${code ?? ""}`);
    return answer;
  }

  /** The exchange's read side lags: read until `holds` or two seconds have passed. */
  async eventually(name, read, holds) {
    let answer;
    for (let attempt = 0; attempt < 20; attempt += 1) {
      answer = await read();
      if (answer.status === 200 && holds(answer.data)) return answer;
      await new Promise((done) => setTimeout(done, 150));
    }
    this.findings.expect(false, `${name}: still ${answer.status} ${short(answer.data)}`);
    return answer;
  }
}

const dollars = (price) => price.toFixed(4);

async function crossing(desk) {
  const check = (name, answer, fills, remains) => desk.findings.expect(
    answer.data.fill_count === fills && answer.data.remaining_count === remains,
    `${name}: filled ${answer.data.fill_count}, left ${answer.data.remaining_count}; expected ${fills} and ${remains}`,
  );
  check("IOC", await desk.create("IOC", { time_in_force: IOC, price: dollars(desk.ask), count: "1.25" }), "1.25", "0.00");
  check("FOK", await desk.create("FOK", { time_in_force: FOK, price: dollars(desk.ask), count: "1.00" }), "1.00", "0.00");
  check("IOC that meets nobody", await desk.create("IOC", { time_in_force: IOC }), "0.00", "0.00");
  check("sell what is held", await desk.create("reduce only", {
    side: "ask", time_in_force: IOC, price: dollars(desk.bid), count: "1.00", reduce_only: true,
  }), "1.00", "0.00");
  check("GTC across", await desk.create("GTC", { price: dollars(desk.ask), count: "0.50" }), "0.50", "0.00");
  const killed = desk.order({ time_in_force: FOK, price: dollars(desk.ask), count: "900000.00" });
  const killedAnswer = await desk.orders.createOrderV2({ ...killed, count: dollarsHeld(desk) });
  desk.findings.expect(
    killedAnswer.status === 409 && codeOf(killedAnswer) === "fill_or_kill_insufficient_resting_volume",
    `FOK that cannot fill: HTTP ${killedAnswer.status} ${short(killedAnswer.data)}`,
  );
  await desk.expect("killed FOK's id again", desk.orders.createOrderV2({ ...killed, count: "1.00" }), 409, "order_already_exists");
}

/** A count above all that is offered at the best ask, yet within the account's means. */
function dollarsHeld(desk) {
  return Math.min(Math.ceil(desk.askSize) + 50, Math.floor(9000 / desk.ask)).toFixed(2);
}

async function restingKinds(desk) {
  const plain = await desk.create("GTC rests", {});
  const kinds = [
    plain,
    await desk.create("post-only rests", { post_only: true, price: "0.0200" }),
    await desk.create("expires", { expiration_time: desk.nowS + 100_000 }),
    await desk.create("cancelled on pause", { cancel_order_on_pause: true, exchange_index: 0 }),
    await desk.create("rests on the ask", { side: "ask", price: "0.9900" }),
  ];
  for (const each of kinds) {
    desk.findings.expect(each.data.remaining_count === "2.00", `rests with ${each.data.remaining_count} left`);
  }
  const id = plain.data.order_id;
  await desk.eventually("order", () => desk.orders.getOrder(id), (data) => data.order.status === "resting");
  await desk.eventually(
    "resting orders", () => desk.orders.getOrders(desk.ticker, undefined, undefined, undefined, "resting", 3),
    (data) => data.orders.length === 3 && data.cursor !== "",
  );
  await desk.expect("queue position", desk.orders.getOrderQueuePosition(id), 200);
  await desk.expect("queue positions", desk.orders.getOrderQueuePositions(desk.ticker), 200);
  return plain.data;
}

async function refused(desk, resting) {
  const again = desk.order({ client_order_id: resting.client_order_id });
  await desk.expect("duplicate", desk.orders.createOrderV2(again), 409, "order_already_exists");
  await desk.expect("cancel", desk.orders.cancelOrderV2(resting.order_id, undefined, undefined, desk.ticker), 200);
  await desk.expect("cancel again", desk.orders.cancelOrderV2(resting.order_id, undefined, undefined, desk.ticker), 404, "not_found");
  await desk.expect("cancel unknown", desk.orders.cancelOrderV2(randomUUID()), 404, "not_found");
  await desk.expect("duplicate after cancel", desk.orders.createOrderV2(again), 409, "order_already_exists");
  await desk.expect("unknown order", desk.orders.getOrder(randomUUID()), 404);
  await desk.create("post-only across", { post_only: true, price: dollars(desk.ask) }, 400);
  await desk.create("off the grid", { price: "0.0137" }, 400);
  await desk.create("no count", { count: "0.00" }, 400);
  await desk.create("beyond the account", { count: "9000000.00", price: "0.0100" }, 400);
  await desk.create("expired before it came", { expiration_time: desk.nowS - 3600 }, 400);
  await desk.create("reduce only that rests", { side: "ask", price: "0.9900", reduce_only: true }, 400);
}

async function changed(desk) {
  const { data: order } = await desk.create("to be changed", { count: "5.00" });
  const at = { ticker: desk.ticker, side: "bid" };
  const amended = await desk.expect("amend", desk.orders.amendOrderV2(order.order_id, { ...at, price: "0.0200", count: "6.00" }), 200);
  desk.findings.expect(amended.data.remaining_count === "6.00", `amended to ${amended.data.remaining_count}`);
  const renamed = { ...at, price: "0.0200", count: "6.00", client_order_id: order.client_order_id, updated_client_order_id: randomUUID() };
  await desk.expect("amend the id", desk.orders.amendOrderV2(order.order_id, renamed), 200);
  await desk.expect("amend the expiration", desk.orders.amendOrderV2(
    order.order_id, { ...at, price: "0.0200", count: "6.00", expiration_time: desk.nowS + 200_000 },
  ), 200);
  const by = await desk.expect("decrease by", desk.orders.decreaseOrderV2(order.order_id, { reduce_by: "1.50" }), 200);
  const to = await desk.expect("decrease to", desk.orders.decreaseOrderV2(order.order_id, { reduce_to: "2.00" }), 200);
  desk.findings.expect(by.data.remaining_count === "4.50" && to.data.remaining_count === "2.00",
    `decreased to ${by.data.remaining_count} and ${to.data.remaining_count}`);
  await desk.expect("decrease both ways", desk.orders.decreaseOrderV2(order.order_id, { reduce_by: "1.00", reduce_to: "1.00" }), 400);
  await desk.expect("amend unknown", desk.orders.amendOrderV2(randomUUID(), { ...at, price: "0.0200", count: "6.00" }), 404);
  await desk.expect("decrease unknown", desk.orders.decreaseOrderV2(randomUUID(), { reduce_by: "1.00" }), 404);
}

async function batches(desk) {
  const twin = randomUUID();
  const wanted = [desk.order({ client_order_id: twin }), desk.order({ client_order_id: twin }), desk.order({ price: "0.0137" })];
  const created = await desk.expect("batch", desk.orders.batchCreateOrdersV2({ orders: wanted }), 201);
  const [first, second, third] = created.data.orders ?? [];
  desk.findings.expect(first?.order_id && !first.error, `batch, first: ${short(first)}`);
  desk.findings.expect(second?.error?.code === "order_already_exists", `batch, twin: ${short(second)}`);
  desk.findings.expect(third?.error?.code === "invalid_price", `batch, off the grid: ${short(third)}`);
  if (!first?.order_id) return;
  const gone = [{ order_id: first.order_id, market_ticker: desk.ticker }, { order_id: randomUUID() }];
  const cancelled = await desk.expect("batch cancel", desk.orders.batchCancelOrdersV2({ orders: gone }), 200);
  const [done, unknown] = cancelled.data.orders ?? [];
  desk.findings.expect(done?.reduced_by === "2.00" && !done.error, `batch cancel, first: ${short(done)}`);
  desk.findings.expect(unknown?.error?.code === "not_found", `batch cancel, unknown: ${short(unknown)}`);
}
