// Checks an exported audit log without any code of Stella: Node 18 or newer, no packages, no network.
//
//   node verify-audit.mjs LOGDIR --vkey 'name+hash+base64' [--against OLD_CHECKPOINT]
//
// LOGDIR holds `checkpoint` and `tile/`. The root is computed from the entries; the tiles are then
// compared with it, so nothing that the appliance computed is taken for granted. Exit 1 on any failure.
// Formats: c2sp.org/tlog-tiles, c2sp.org/tlog-checkpoint, c2sp.org/signed-note, RFC 6962.

import { createHash, createPublicKey, verify } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const WIDTH = 256;
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const node = (left, right) => sha256(Buffer.from([1]), left, right);

let failures = 0;
function check(what, act) {
  try {
    const detail = act();
    console.log(`ok    ${what}${detail ? `: ${detail}` : ''}`);
    return true;
  } catch (error) {
    failures += 1;
    console.log(`FAIL  ${what}: ${error.message}`);
    return false;
  }
}
function demand(condition, reason) {
  if (!condition) throw new Error(reason);
}

function base64(text) {
  const bytes = Buffer.from(text, 'base64');
  demand(bytes.toString('base64') === text, 'not base64');
  return bytes;
}

function parseVkey(text) {
  const [, name, hash, material] = /^([^+\s]+)\+([0-9a-f]{8})\+(.+)$/su.exec(text) ?? [];
  demand(name, 'the verifier key is not of the form name+hash+base64');
  const bytes = base64(material);
  demand(bytes.length === 33 && bytes[0] === 1, 'the verifier key is not an Ed25519 key');
  const id = sha256(Buffer.from(`${name}\n`), bytes).subarray(0, 4);
  demand(id.toString('hex') === hash, 'the hash of the verifier key does not fit');
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytes.subarray(1)]);
  return { name, id, key: createPublicKey({ key: spki, format: 'der', type: 'spki' }) };
}

function openCheckpoint(bytes, vkey) {
  const note = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  demand(!/[\0-\t\v-\x1f]/.test(note), 'a control character in the note');
  const split = note.lastIndexOf('\n\n');
  demand(split >= 0 && note.endsWith('\n'), 'not a signed note');
  const text = note.slice(0, split + 1);
  let signed = false;
  for (const line of note.slice(split + 2, -1).split('\n')) {
    const [, name, encoded] = /^\u2014 ([^\s+]+) (\S+)$/u.exec(line) ?? [];
    demand(name, 'a malformed signature line');
    const signature = base64(encoded);
    if (name !== vkey.name || !signature.subarray(0, 4).equals(vkey.id)) continue;
    demand(verify(null, Buffer.from(text), vkey.key, signature.subarray(4)), `the signature of ${name} is invalid`);
    signed = true;
  }
  demand(signed, `not signed by ${vkey.name}`);
  const [origin, size, root] = text.split('\n');
  demand(origin === vkey.name, 'the origin is not the name of the key');
  demand(/^(0|[1-9][0-9]*)$/.test(size) && Number.isSafeInteger(Number(size)), 'the size is not a decimal');
  demand(base64(root).length === 32, 'the root is not a hash');
  return { origin, size: Number(size), root: base64(root) };
}

function tilePath(kind, index, width) {
  const groups = [String(index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  }
  return `tile/${kind}/${groups.join('/')}${width < WIDTH ? `.p/${width}` : ''}`;
}

// A partial tile may have been replaced by the full one. Says whether it was.
function readTile(dir, kind, index, width) {
  const path = tilePath(kind, index, width);
  if (existsSync(join(dir, path))) return { path, bytes: readFileSync(join(dir, path)) };
  const full = tilePath(kind, index, WIDTH);
  demand(existsSync(join(dir, full)), `${path} is missing`);
  return { path: full, bytes: readFileSync(join(dir, full)) };
}

function readEntries({ path, bytes }, width) {
  const entries = [];
  for (let at = 0; at < bytes.length; ) {
    demand(at + 2 <= bytes.length, `${path}: a length is cut off`);
    const end = at + 2 + bytes.readUInt16BE(at);
    demand(end <= bytes.length, `${path}: an entry is cut off`);
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  demand(entries.length === width || entries.length === WIDTH, `${path}: ${entries.length} entries, not ${width}`);
  return entries.slice(0, width);
}

// The tree that grows leaf by leaf: one root for each one-bit of the size, largest first.
class Tree {
  size = 0;
  peaks = [];
  push(leaf) {
    let hash = leaf;
    for (let rest = this.size; rest % 2 === 1; rest = (rest - 1) / 2) hash = node(this.peaks.pop(), hash);
    this.peaks.push(hash);
    this.size += 1;
  }
  root() {
    if (this.size === 0) return sha256(Buffer.alloc(0));
    return this.peaks.reduceRight((right, left) => node(left, right));
  }
}

function completeRoot(row) {
  let hashes = row;
  while (hashes.length > 1) hashes = hashes.flatMap((hash, at) => (at % 2 ? [] : [node(hash, hashes[at + 1])]));
  return hashes[0];
}

// Every file below tile/, to find those that no reader asked for.
function* files(dir, path) {
  for (const found of readdirSync(join(dir, path), { withFileTypes: true })) {
    const below = `${path}/${found.name}`;
    if (found.isDirectory()) yield* files(dir, below);
    else yield below;
  }
}

function main() {
  const [dir, ...rest] = process.argv.slice(2);
  const options = new Map();
  for (let at = 0; at < rest.length; at += 2) options.set(rest[at], rest[at + 1]);
  const known = [...options].every(([name, value]) => ['--vkey', '--against'].includes(name) && value !== undefined);
  if (!dir || !options.has('--vkey') || !known) {
    console.error("usage: node verify-audit.mjs LOGDIR --vkey 'name+hash+base64' [--against OLD_CHECKPOINT]");
    return 2;
  }
  let vkey, now, old;
  const tree = new Tree();
  let row = [];
  let oldRoot;
  if (!check('verifier key', () => void (vkey = parseVkey(options.get('--vkey'))))) return 1;
  check('signature of the checkpoint', () => {
    now = openCheckpoint(readFileSync(join(dir, 'checkpoint')), vkey);
    return `${now.origin}, ${now.size} entries`;
  });
  if (options.has('--against')) {
    check('signature of the older checkpoint', () => {
      old = openCheckpoint(readFileSync(options.get('--against')), vkey);
      return `${old.size} entries`;
    });
  }
  if (failures > 0) return 1;
  check('entries', () => {
    if (old?.size === 0) oldRoot = tree.root();
    for (let index = 0; tree.size < now.size; index += 1) {
      const width = Math.min(WIDTH, now.size - tree.size);
      for (const entry of readEntries(readTile(dir, 'entries', index, width), width)) {
        const leaf = sha256(Buffer.from([0]), entry);
        row.push(leaf);
        tree.push(leaf);
        if (old?.size === tree.size) oldRoot = tree.root();
      }
    }
    return `${tree.size} read`;
  });
  check('root computed from the entries', () => {
    demand(tree.size === now.size, 'not all entries could be read');
    demand(tree.root().equals(now.root), 'it is not the signed root');
    return now.root.toString('hex');
  });
  if (old) {
    check('the older checkpoint is a beginning of this log', () => {
      demand(old.size <= now.size, `it has ${old.size} entries, this log only ${now.size}`);
      demand(oldRoot?.equals(old.root), 'another history was signed then');
    });
  }
  if (tree.size !== now.size) return 1;
  const rows = [];
  for (let level = 0; row.length > 0; level += 1) {
    check(`tiles of level ${level}`, () => {
      let tiles = 0;
      for (let at = 0; at < row.length; at += WIDTH, tiles += 1) {
        const want = Buffer.concat(row.slice(at, at + WIDTH));
        const { path, bytes } = readTile(dir, level, at / WIDTH, want.length / 32);
        demand([want.length, WIDTH * 32].includes(bytes.length), `${path} has ${bytes.length} bytes`);
        demand(bytes.subarray(0, want.length).equals(want), `${path} does not agree with the entries`);
      }
      return `${tiles} agree`;
    });
    rows.push(row);
    const above = [];
    for (let at = 0; at + WIDTH <= row.length; at += WIDTH) above.push(completeRoot(row.slice(at, at + WIDTH)));
    row = above;
  }
  check('other files', () => {
    let older = 0;
    let beyond = 0;
    for (const path of now.size > 0 ? files(dir, 'tile') : []) {
      const [, kind, groups, width] = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(path) ?? [];
      demand(groups, `${path} is no file of a log`);
      const index = Number(groups.replaceAll(/[x/]/g, ''));
      const count = Number(width ?? WIDTH);
      demand(tilePath(kind, index, count) === path, `${path} is no file of a log`);
      const hashes = kind === 'entries' ? rows[0] : (rows[Number(kind)] ?? []);
      const want = hashes.slice(index * WIDTH, index * WIDTH + count);
      if (want.length < count) {
        beyond += 1; // Written ahead of the checkpoint; a beginning that is covered was compared above.
        continue;
      }
      const bytes = readFileSync(join(dir, path));
      const found = kind === 'entries'
        ? readEntries({ path, bytes }, count).map((entry) => sha256(Buffer.from([0]), entry))
        : [bytes];
      demand(Buffer.concat(found).equals(Buffer.concat(want)), `${path} does not agree with the entries`);
      older += 1;
    }
    return `${older} agree${beyond ? `, ${beyond} reach beyond the checkpoint and are not covered by it` : ''}`;
  });
  return failures > 0 ? 1 : 0;
}

process.exitCode = main();
