// The official SDK, talking through the checking proxy, and the ledger of what went wrong.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const sdk = require("kalshi-typescript");
const axios = require("axios");

const ROOT = "/trade-api/v2";

/** What failed, in words. Nothing is thrown for a failure: one refused answer must not hide the others. */
export class Findings {
  failures = [];
  steps = 0;
  answers = 0;

  /** Note `text` as a failure unless `holds`. */
  expect(holds, text) {
    this.steps += 1;
    if (!holds) this.failures.push(text);
    return Boolean(holds);
  }
}

/** All of the SDK's interfaces for one account, and raw access to the sandbox's control panel. */
export function connect(description, proxyUrl, findings) {
  const account = description.accounts.find((each) => each.private_key_path.endsWith("rsa.pem"));
  const client = axios.create({ validateStatus: () => true, timeout: 15_000 });
  // Interceptors run last to first: the SDK has signed the exchange's own path before the proxy's is put in.
  client.interceptors.request.use((config) => {
    config.url = config.url.replace(description.base_url, proxyUrl);
    return config;
  });
  client.interceptors.response.use(async (response) => {
    if (response.status === 429) return client.request(await later(response, proxyUrl, description.base_url));
    return checked(response, findings);
  });
  const configuration = new sdk.Configuration({
    apiKey: account.key_id,
    privateKeyPem: readFileSync(account.private_key_path, "utf8"),
    basePath: description.base_url,
  });
  const exchange = new sdk.ExchangeApi(configuration, description.base_url, client);
  const make = (Api) => new Api(configuration, description.base_url, client);
  return {
    account: make(sdk.AccountApi),
    events: make(sdk.EventsApi),
    exchange,
    /** The exchange's own time, Unix seconds: a replayed day has another than this machine. */
    nowS: async () => Math.floor(Date.parse((await exchange.getUserDataTimestamp()).data.as_of_time) / 1000),
    historical: make(sdk.HistoricalApi),
    markets: make(sdk.MarketApi),
    orders: make(sdk.OrdersApi),
    portfolio: make(sdk.PortfolioApi),
    control: (order) => axios.post(`${description.control_url}/control`, order, { validateStatus: () => true }),
  };
}

/** The same request again after a pause: an empty token bucket has done nothing. */
async function later(response, proxyUrl, baseUrl) {
  await new Promise((done) => setTimeout(done, 250));
  return { ...response.config, url: response.config.url.replace(proxyUrl, baseUrl) };
}

/** A violation of the contract arrives as the proxy's own problem report. */
function checked(response, findings) {
  findings.answers += 1;
  const kind = String(response.headers["content-type"] ?? "");
  const call = `${response.config.method.toUpperCase()} ${response.config.url.replace(/^https?:\/\/[^/]+/, "").replace(ROOT, "")}`;
  if (kind.includes("problem+json")) {
    const faults = (response.data?.validation ?? []).map((each) => `${each.location?.join(".")} ${each.message}`);
    findings.failures.push(`${call}: ${faults.join("; ") || JSON.stringify(response.data)}`);
  } else if (response.status >= 500) {
    findings.failures.push(`${call}: HTTP ${response.status} ${JSON.stringify(response.data)}`);
  }
  return response;
}

/** Every row of a listing to its last page. `read` takes a cursor; `rows` picks them out of an answer's data. */
export async function everyPage(findings, name, read, rows) {
  const found = [];
  const cursors = new Set();
  let cursor;
  for (let page = 0; page < 200; page += 1) {
    const { status, data } = await read(cursor);
    if (!findings.expect(status === 200 && Array.isArray(rows(data)), `${name}: HTTP ${status} ${short(data)}`)) {
      return found;
    }
    found.push(...rows(data));
    cursor = data.cursor;
    if (!cursor) return found;
    if (!findings.expect(!cursors.has(cursor), `${name}: cursor comes back`)) return found;
    cursors.add(cursor);
  }
  findings.expect(false, `${name}: no last page`);
  return found;
}

/** The code of an error answer, in whichever of its shapes. */
export function codeOf(answer) {
  return answer.data?.error?.code ?? answer.data?.code ?? "";
}

export function short(data) {
  return JSON.stringify(data ?? null).slice(0, 240);
}
