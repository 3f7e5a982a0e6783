// Checks an import receipt without any code of Stella: Node 18 or newer, no packages, no network.
//
//   node verify-receipt.mjs RECEIPT.dsse.json --key receipt.pub.pem [--kit FILE]
//
// Prints a line per check and then the statement that was signed. Exit 1 on any failure.
// Formats: DSSE v1, in-toto Statement v1.

import { createHash, createPublicKey, verify } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const TYPE = 'application/vnd.in-toto+json';
const PREDICATES = ['https://slsa.dev/verification_summary/v1', 'https://stella-ops.org/attestations/ouk-import/v1'];

function demand(condition, reason) {
  if (!condition) throw new Error(reason);
}

function base64(text) {
  demand(typeof text === 'string', 'a part of the envelope is not a text');
  const standard = text.replaceAll('-', '+').replaceAll('_', '/');
  const bytes = Buffer.from(standard, 'base64');
  demand(bytes.toString('base64') === standard, 'a part of the envelope is not base64');
  return bytes;
}

// RFC 8785 for what our statements hold: texts, whole numbers, lists, objects.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

function sha256File(path) {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(1 << 20);
  const file = openSync(path, 'r');
  for (let count; (count = readSync(file, buffer)) > 0; ) hash.update(buffer.subarray(0, count));
  closeSync(file);
  return hash.digest('hex');
}

function main() {
  const [receipt, ...rest] = process.argv.slice(2);
  const options = new Map();
  for (let at = 0; at < rest.length; at += 2) options.set(rest[at], rest[at + 1]);
  const known = [...options].every(([name, value]) => ['--key', '--kit'].includes(name) && value !== undefined);
  if (!receipt || !options.has('--key') || !known) {
    console.error('usage: node verify-receipt.mjs RECEIPT.dsse.json --key receipt.pub.pem [--kit FILE]');
    return 2;
  }
  let what = 'key';
  const ok = (detail) => console.log(`ok    ${what}: ${detail}`);
  try {
    const key = createPublicKey(readFileSync(options.get('--key')));
    demand(key.asymmetricKeyType === 'ed25519', 'not an Ed25519 key');
    const raw = key.export({ format: 'der', type: 'spki' }).subarray(-32);
    ok(createHash('sha256').update(raw).digest('hex'));

    what = 'envelope';
    const envelope = JSON.parse(readFileSync(receipt, 'utf8'));
    demand(envelope.payloadType === TYPE, `the payload is not ${TYPE}`);
    const payload = base64(envelope.payload);
    demand(Array.isArray(envelope.signatures), 'no signatures');
    ok(`${payload.length} bytes of ${TYPE}`);

    what = 'signature';
    const signed = Buffer.concat([Buffer.from(`DSSEv1 ${TYPE.length} ${TYPE} ${payload.length} `), payload]);
    const valid = envelope.signatures.filter(({ sig }) => verify(null, signed, key, base64(sig)));
    demand(valid.length > 0, 'none of this key');
    ok('valid');

    // From here on only the bytes that were signed are read.
    what = 'statement';
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
    const statement = JSON.parse(text);
    demand(canonical(statement) === text, 'not canonical JSON: another reader could see something else in it');
    demand(statement._type === 'https://in-toto.io/Statement/v1', 'not an in-toto statement');
    demand(PREDICATES.includes(statement.predicateType), 'its predicate is none of an import');
    ok(statement.predicateType);

    if (options.has('--kit')) {
      what = 'kit';
      const digest = sha256File(options.get('--kit'));
      demand(statement.subject.some((subject) => subject.digest.sha256 === digest), `the receipt is not about ${digest}`);
      ok(`the receipt is about ${digest}`);
    }
    console.log(JSON.stringify(statement, null, 2));
    return 0;
  } catch (error) {
    console.log(`FAIL  ${what}: ${error.message}`);
    return 1;
  }
}

process.exitCode = main();
