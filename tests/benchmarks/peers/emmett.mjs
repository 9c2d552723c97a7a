// Emmett on SQLite: one event appended after the other, each to a stream of its own, durable as it is by default.
//
//   node emmett.mjs FILE SECONDS BODY      prints {"rate": …, "count": …, "stored": …}

import { getSQLiteEventStore, sqliteConnection } from '@event-driven-io/emmett-sqlite';

const [file, seconds, body] = process.argv.slice(2);
const store = getSQLiteEventStore({ fileName: file, schema: { autoMigration: 'CreateOrUpdate' } });
// Each run has streams of its own in the file, which those before it have filled.
const run = Date.now();
const append = (number) => store.appendToStream(`${run}-${number}`, [{ type: 'ActionRecorded', data: { body } }]);
const held = async () => {
  const [{ stored }] = await sqliteConnection({ fileName: file }).query('SELECT count(*) AS stored FROM emt_messages');
  return stored;
};
await append(0);
const before = await held();

let count = 0;
const began = performance.now();
while (performance.now() < began + seconds * 1000) await append(++count);
const rate = (count * 1000) / (performance.now() - began);

console.log(JSON.stringify({ rate, count, stored: (await held()) - before }));
