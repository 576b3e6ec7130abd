// One reversal after another through a Node client library, against the harness's venue. Prints the latencies from
// call to settled promise, in ns, as JSON.
//   node peer.mjs LIBRARY_DIR bitget-api|ccxt WHERE_JSON COUNT PAUSE_US
import { createRequire } from 'node:module';

const [, , folder, which, whereText, countText, pauseText] = process.argv;
const where = JSON.parse(whereText);
const require = createRequire(folder + '/');
const base = `https://localhost:${where.port}`;
const params = (id) => ({
  symbol: where.symbol, marginCoin: 'USDT', productType: 'USDT-FUTURES', side: 'buy', clientOid: `peer-${String(id).padStart(12, '0')}`,
});

function bitgetApi() {
  const { RestClientV2 } = require('bitget-api');
  const client = new RestClientV2({
    apiKey: where.key, apiSecret: where.secret, apiPass: where.passphrase, baseUrl: base, keepAlive: true,
  });
  return (id) => client.futuresSubmitReversal(params(id));
}

function ccxt() {
  const { bitget } = require('ccxt');
  const client = new bitget({ apiKey: where.key, secret: where.secret, password: where.passphrase, enableRateLimit: false });
  client.urls.api.mix = base;
  return (id) => client.privateMixPostV2MixOrderClickBackhand(params(id));
}

const call = which === 'ccxt' ? ccxt() : bitgetApi();
const count = Number(countText);
const pauseNs = BigInt(pauseText) * 1000n;
const times = [];
for (let id = 1; id <= count + 200; ++id) {
  const until = process.hrtime.bigint() + pauseNs;
  while (process.hrtime.bigint() < until);
  const begun = process.hrtime.bigint();
  const answer = await call(id);
  const took = Number(process.hrtime.bigint() - begun);
  if (answer.code !== '00000' || answer.data.clientOid !== params(id).clientOid) throw new Error(JSON.stringify(answer));
  // The first ones connect, and are compiled.
  if (id > 200) times.push(took);
}
console.log(JSON.stringify(times));
process.exit(0);
