// Writes .br and .gz beside every text file of a built folder, so that the server never compresses at run time.
// Usage: node scripts/compress.mjs dist
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = process.argv[2] ?? 'dist';
const textFiles = new Set(['.html', '.js', '.css', '.svg', '.json', '.webmanifest', '.txt', '.map']);
const gzipLimitBytes = 150 * 1024;

function* filesOf(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* filesOf(path);
    else yield path;
  }
}

let plain = 0;
let gzipped = 0;
let brotlied = 0;
for (const path of [...filesOf(root)]) {
  if (!textFiles.has(extname(path))) continue;
  const bytes = readFileSync(path);
  const gz = gzipSync(bytes, { level: 9 });
  const br = brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
  writeFileSync(`${path}.gz`, gz);
  writeFileSync(`${path}.br`, br);
  plain += bytes.length;
  gzipped += gz.length;
  brotlied += br.length;
}
console.log(`compressed ${plain} bytes: ${gzipped} gzip, ${brotlied} brotli`);
if (gzipped > gzipLimitBytes) {
  console.error(`the app is larger than ${gzipLimitBytes} bytes gzipped`);
  process.exit(1);
}
