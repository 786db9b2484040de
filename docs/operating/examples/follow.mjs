#!/usr/bin/env node
// Follows GET /v1/traffic as a stream of events; no packages needed.
// usage: follow.mjs DAEMON TOKEN_FILE      prints "epoch side address" now and at every change
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** Calls back with { traffic, epoch, mark, databaseUrl } now and at every change, for ever. */
export async function follow(daemon, token, changed) {
  let last = null;
  for (;;) {
    try {
      const answer = await fetch(`${daemon}/v1/traffic`, {
        headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
      });
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
      let text = '';
      for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
        text += part;
        const events = text.split('\n\n');
        text = events.pop(); // the rest is not complete yet
        for (const event of events) {
          const data = event.split('\n').find((line) => line.startsWith('data: '));
          if (!data) continue; // a heartbeat
          const now = JSON.parse(data.slice(6));
          if (now.mark === last) continue; // told again after a new connection
          last = now.mark;
          await changed(now);
        }
      }
    } catch (e) {
      console.error(`sluice: ${e.message}`); // the daemon is being restarted: what was true stays true
    }
    await pause(500);
  }
}

const [daemon, tokenFile] = process.argv.slice(2);
const token = (await readFile(tokenFile, 'utf8')).trim();
await follow(daemon, token, async ({ traffic, epoch, databaseUrl }) => {
  // An application opens a new pool here: if (traffic !== 'fenced') { await pool.end(); pool = open(databaseUrl); }
  console.log(`${epoch} ${traffic} ${databaseUrl}`);
});
