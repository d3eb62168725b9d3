// The peer nodemailer: `node nodemailer.mjs ORDERS.json` sends as its documentation says for a pool, a message whenever
// the pool is idle. Prints as JSON the seconds from the first connection to the last answer, and the processor's time
// meanwhile.
//
// ORDERS: module (the folder that holds node_modules), port, connections, messages, authority (a certificate file, or
// "" for no TLS), raw (a finished message's file, or ""), html and text (files; @@name@@ and @@token@@ stand for what
// is the recipient's own), subject, sender, link.

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const orders = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { createTransport } = createRequire(`${orders.module}/`)('nodemailer');

const raw = orders.raw && readFileSync(orders.raw);
const html = readFileSync(orders.html, 'utf8');
const text = readFileSync(orders.text, 'utf8');

const transport = createTransport({
  pool: true,
  host: '127.0.0.1',
  port: orders.port,
  secure: orders.authority !== '',
  ignoreTLS: orders.authority === '',
  tls: orders.authority ? { ca: readFileSync(orders.authority) } : {},
  maxConnections: orders.connections,
  maxMessages: Infinity,
});

function message(number) {
  const digits = String(number).padStart(7, '0');
  const address = `r${digits}@example.net`;
  if (raw) return { envelope: { from: orders.sender, to: [address] }, raw };
  const name = `Reader ${digits}`;
  const token = createHmac('sha256', 'a secret of the benchmark').update(address).digest('hex').slice(0, 40);
  const fill = (template) => template.replaceAll('@@name@@', name).replaceAll('@@token@@', token);
  return {
    from: { name: 'Daily', address: orders.sender },
    to: { name, address },
    subject: fill(orders.subject),
    html: fill(html),
    text: fill(text),
    // Quoted-printable, its own choice for HTML, takes it twice as long to make and is not the size of ours.
    textEncoding: 'base64',
    list: { unsubscribe: fill(orders.link) },
  };
}

let begun = 0;
let ended = 0;
const started = process.hrtime.bigint();
const before = process.cpuUsage();

function done(error) {
  if (error) throw error;
  ended += 1;
  if (ended < orders.messages) return;
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ seconds, cpu: (user + system) / 1e6 }));
  transport.close();
}

transport.on('idle', () => {
  while (transport.isIdle() && begun < orders.messages) {
    begun += 1;
    transport.sendMail(message(begun - 1), done);
  }
});
