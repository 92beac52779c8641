// How the web app is built: one entry, hashed files, nothing inline (the server's Content-Security-Policy forbids it).
import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const clientSource = fileURLToPath(new URL('../client/src/index.ts', import.meta.url));
const tunnelSource = fileURLToPath(new URL('../client/src/tunnel/index.ts', import.meta.url));
const server = process.env.ZVONOK_SERVER ?? 'http://localhost:8080';

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@zvonok/client/tunnel': tunnelSource, '@zvonok/client': clientSource } },
  server: {
    port: 5173,
    // The SDK's sources stand beside this folder.
    fs: { allow: [fileURLToPath(new URL('..', import.meta.url))] },
    proxy: {
      '/api': { target: server, changeOrigin: false },
      '/ws': { target: server, ws: true, changeOrigin: false },
    },
  },
  build: {
    target: ['es2020', 'chrome87', 'firefox90', 'safari15'],
    modulePreload: { polyfill: false },
    // An inlined asset would be a data: URL, which the policy allows for images only.
    assetsInlineLimit: 0,
    sourcemap: false,
    reportCompressedSize: true,
  },
});
