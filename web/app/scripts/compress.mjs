// Writes .br and .gz beside every text file of a built folder, so that the server never compresses at run time.
// Usage: node scripts/compress.mjs dist
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = process.argv[2] ?? 'dist';
const textFiles = new Set(['.html', '.js', '.css', '.svg', '.json', '.webmanifest', '.txt', '.map']);
// Of what the first page needs, and of everything.
const firstPageLimitBytes = 150 * 1024;
const gzipLimitBytes = 250 * 1024;

function* filesOf(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* filesOf(path);
    else yield path;
  }
}

const page = readFileSync(join(root, 'index.html'), 'utf8');
const isOfFirstPage = (path) => path.endsWith('index.html') || page.includes(basename(path));

let plain = 0;
let firstPage = 0;
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
  if (isOfFirstPage(path)) firstPage += gz.length;
  brotlied += br.length;
}
console.log(`compressed ${plain} bytes: ${gzipped} gzip (${firstPage} of the first page), ${brotlied} brotli`);
if (firstPage > firstPageLimitBytes || gzipped > gzipLimitBytes) {
  console.error(`the app is larger than ${firstPageLimitBytes} (first page) or ${gzipLimitBytes} bytes gzipped`);
  process.exit(1);
}
