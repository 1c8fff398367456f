// usage: node walk.mjs <sandbox.json> <proxy url>. Exit 0 when the SDK and the contract accept everything, else 1 and
// one line per failure.
import { readFileSync } from "node:fs";
import { connect, Findings } from "./exchange.mjs";
import { walkMarketData } from "./market_data.mjs";
import { walkAccount } from "./account.mjs";
import { walkOrders } from "./orders.mjs";

const [descriptionPath, proxyUrl] = process.argv.slice(2);
const description = JSON.parse(readFileSync(descriptionPath, "utf8"));
const findings = new Findings();
const exchange = connect(description, proxyUrl, findings);
const market = await leg("market data", () => walkMarketData(exchange, findings));
if (market) {
  await leg("orders", () => walkOrders(exchange, findings, market));
  await leg("account", () => walkAccount(exchange, findings, market));
}
for (const failure of findings.failures) console.log(`FAILED ${failure}`);
console.log(`${findings.answers} answers, ${findings.steps} checks, ${findings.failures.length} failures`);
process.exit(findings.failures.length > 0 ? 1 : 0);

/** One part of the walk. What the SDK itself refuses is a failure like any other; the next part goes on. */
async function leg(name, walk) {
  try {
    return await walk();
  } catch (error) {
    findings.failures.push(`${name} broke off: ${error.message}`);
    return undefined;
  }
}
