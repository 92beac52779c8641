// Pages with nothing but the SDK in them, served by the server in the web app's place.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('../../..', import.meta.url).pathname;

/** The bundler that comes with the web app, or with the SDK: whichever is installed. */
function bundler() {
  for (const folder of ['web/app', 'web/client']) {
    try {
      return createRequire(join(root, folder, 'package.json'))('esbuild');
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw new Error('esbuild is not installed: run npm ci in web/app or web/client');
}

/** Makes a folder for WEB_ROOT; the page has the SDK's functions in `window.sdk`. */
export async function buildSdkPage() {
  const folder = mkdtempSync(join(tmpdir(), 'zvonok-sdk-'));
  const source = join(root, 'web/client/src');
  const options = { bundle: true, format: 'esm', target: 'es2022', logLevel: 'error' };
  await bundler().build({ ...options, entryPoints: [join(source, 'e2e/worker.ts')], outfile: join(folder, 'worker.js') });
  await bundler().build({
    ...options,
    stdin: { contents: "import * as sdk from './index.ts'; window.sdk = sdk;", resolveDir: source, loader: 'ts' },
    outfile: join(folder, 'sdk.js'),
  });
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>SDK</title><script type="module" src="/sdk.js"></script>');
  return { folder, clean: () => rmSync(folder, { recursive: true, force: true }) };
}
